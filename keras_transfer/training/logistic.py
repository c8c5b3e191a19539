"""A linear head solved instead of trained: multinomial logistic regression, to convergence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

_MOST_STEPS = 500


@dataclass(frozen=True)
class Problem:
    """What a head is fitted to.

    Attributes:
      features: standardized, float32, shape (rows, features).
      targets: what the probabilities should be, float32, shape (rows, classes), rows adding up to 1.
      weights: of each row in the loss, float32, shape (rows,).
    """

    features: NDArray[np.float32]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class Solution:
    """A linear head.

    Attributes:
      kernel: float64, shape (features, classes).
      bias: float64, shape (classes,).
    """

    kernel: NDArray[np.float64]
    bias: NDArray[np.float64]

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Shape (rows, classes)."""
        return features @ self.kernel.astype(np.float32) + self.bias


def solve(problem: Problem, strength: float, *, start: Solution | None = None, tolerance: float = 1e-6) -> Solution:
    """The head with the least loss, which is one: the loss is convex.

    The loss is that of scikit-learn's LogisticRegression: the sum over the rows of weight times cross-entropy, plus the
    squares of the kernel divided by 2 * strength; the bias is free. Minimized by L-BFGS: Liu and Nocedal 1989,
    https://doi.org/10.1007/BF01589116.

    Args:
      problem: rows, targets and weights.
      strength: the inverse of the L2 penalty, above 0; scikit-learn's C.
      start: from where to search; the nearer, the sooner it ends.
      tolerance: relative, of the loss; the search ends where a step gains less.
    """
    features, (_, classes) = problem.features, problem.targets.shape
    width = features.shape[1]
    total = float(problem.weights.sum())

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        kernel, bias = flat[:-classes].reshape(width, classes), flat[-classes:]
        logits = features @ kernel.astype(np.float32) + bias
        log_probabilities = special.log_softmax(logits, axis=1)
        fit = -float(np.einsum("i,ij,ij->", problem.weights, problem.targets, log_probabilities))
        error = problem.weights[:, None] * (np.exp(log_probabilities) - problem.targets)
        slope = features.T @ error.astype(np.float32) + kernel / strength
        value = fit + float(np.vdot(kernel, kernel)) / (2 * strength)
        return value / total, np.concatenate([slope.ravel(), error.sum(axis=0)]) / total

    first = np.zeros(width * classes + classes)
    if start is not None:
        first = np.concatenate([start.kernel.ravel(), start.bias])
    found = optimize.minimize(
        loss, first, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS, "ftol": tolerance, "gtol": 1e-7}
    )
    return Solution(found.x[:-classes].reshape(width, classes), found.x[-classes:])
