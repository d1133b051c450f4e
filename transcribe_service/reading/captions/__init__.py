"""The transcript in the formats that people and players read. Pure."""
