"""The low-rank normal over masks of logits."""

from atfm.distributions.low_rank_normal import LowRankNormal

__all__ = ["LowRankNormal"]
