"""Portals (area PORTAL)."""
