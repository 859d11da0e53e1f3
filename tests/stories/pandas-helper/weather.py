"""What the notebook needs again and again. It reads its data itself, and only when it is asked."""

import pandas as pd


def readings():
    return pd.read_csv('data/readings.csv')


def warmest(table):
    return table.groupby('station')['degrees'].max()
