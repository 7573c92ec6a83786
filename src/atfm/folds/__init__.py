"""Folds over patients: a training each, and one table, every case scored by the one that has not seen its patient."""

from atfm.folds.deal import Fold, deal, name_of, part_of
from atfm.folds.join import Joined, score
from atfm.folds.train import FoldProgress, folder_of, train

__all__ = ["Fold", "FoldProgress", "Joined", "deal", "folder_of", "name_of", "part_of", "score", "train"]
