"""What attackers share: surrogates, patches, footholds and toolboxes."""
