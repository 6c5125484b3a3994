"""The vehicle and the box: power, GNSS, GPIO, watchdog."""
