"""A day of readings from a fleet of sensors: load, calibrate, smooth, summarise.

The job works, and takes half as much memory again as it needs: while smooth() makes the third array,
the first is still held by `data` in process_data(), which will never read it again.
"""
import sys

import numpy as np
import pandas as pd

READINGS = int(sys.argv[1]) if len(sys.argv) > 1 else 42_000_000  # 336 MB as float64
SENSORS = 64


def load_readings():
    """Stands in for reading the day's file."""
    readings = np.arange(READINGS, dtype=np.float64)
    np.sin(readings, out=readings)
    return readings


def calibrate(readings):
    return readings * 1.25


def smooth(readings):
    smoothed = np.empty_like(readings)
    smoothed[0] = readings[0]
    np.add(readings[1:], readings[:-1], out=smoothed[1:])
    smoothed[1:] *= 0.5
    return smoothed


def process_data():
    data = load_readings()
    return smooth(calibrate(data))


def summarise(readings):
    frame = pd.DataFrame({"sensor": np.arange(SENSORS * 1000) % SENSORS,
                          "value": readings[:SENSORS * 1000]})
    return frame.groupby("sensor")["value"].agg(["mean", "min", "max"])


def main():
    summary = summarise(process_data())
    print(summary.head(3).round(4).to_string())


main()
