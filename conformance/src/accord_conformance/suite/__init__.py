"""The tests, a folder for each area of the rules. They use the public API only and name no backend."""
