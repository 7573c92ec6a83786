"""SFM, Segmentation Flow Matching: path, coupling, network, losses and solvers."""

from atfm.flow.coupling import independent, optimal
from atfm.flow.field import ConditionalField
from atfm.flow.loss import cross_entropy, flow_matching, semantic, soft_dice
from atfm.flow.network import STNet
from atfm.flow.path import PathSample, endpoint_to_velocity, sample_path, velocity_to_endpoint
from atfm.flow.solver import EULER, HEUN, RALSTON, RK4, SOLVERS, Solver, integrate

__all__ = [
    "EULER",
    "HEUN",
    "RALSTON",
    "RK4",
    "SOLVERS",
    "ConditionalField",
    "PathSample",
    "STNet",
    "Solver",
    "cross_entropy",
    "endpoint_to_velocity",
    "flow_matching",
    "independent",
    "integrate",
    "optimal",
    "sample_path",
    "semantic",
    "soft_dice",
    "velocity_to_endpoint",
]
