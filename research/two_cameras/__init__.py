"""The rig of two cameras, and files of flow between them."""
