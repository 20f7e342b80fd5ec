"""What all detectors with networks share."""
