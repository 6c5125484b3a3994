"""Shared radio media, how stations take turns on them, and what lives on top: crowds and meshes."""
