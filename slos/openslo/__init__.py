"""Objectives and their alert policies in OpenSLO v1: written strictly, read leniently."""
