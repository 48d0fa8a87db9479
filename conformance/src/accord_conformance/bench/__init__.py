"""How fast a backend is, against native code for the same job and against AnyIO, in the same process.

Absolute times on a shared machine say little; ratios say a lot. So for each operation short blocks of the contenders
take turns, and each block is compared with its neighbours only. ``rows`` lists the operations and what is aimed at,
``portable`` has the code that accord and AnyIO share, ``native_*`` the same jobs on the host libraries, ``measure`` the
method. Each runtime is measured in a process of its own (``worker``), which ``cli`` starts and reports on.
"""
