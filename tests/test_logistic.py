"""Tests of keras_transfer.training.logistic: the head is the one minimum of its loss."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from keras_transfer.training import logistic
from keras_transfer.training.logistic import Problem

ROWS, FEATURES, CLASSES = 60, 8, 3


@pytest.fixture(scope="module")
def features() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(ROWS, FEATURES)).astype(np.float32)


@pytest.fixture(scope="module")
def label_ids(features) -> NDArray[np.int64]:
    noise = np.random.default_rng(1).normal(size=(ROWS, CLASSES))
    return (features[:, :CLASSES] + noise).argmax(axis=1)


def problem(features: NDArray[np.float32], label_ids: NDArray[np.int64], weights: NDArray[np.float32]) -> Problem:
    return Problem(features, np.eye(CLASSES, dtype=np.float32)[label_ids], weights)


def probabilities(solution: logistic.Solution, features: NDArray[np.float32]) -> NDArray[np.float64]:
    exponents = np.exp(solution.logits(features))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("strength", [0.01, 1.0, 30.0])
def test_it_is_scikit_learn_s_logistic_regression(features, label_ids, strength):
    weights = np.random.default_rng(2).uniform(0.5, 2, ROWS).astype(np.float32)
    own = logistic.solve(problem(features, label_ids, weights), strength, tolerance=1e-10)
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(features, label_ids, weights)
    np.testing.assert_allclose(probabilities(own, features), theirs.predict_proba(features), atol=2e-3)


def test_where_the_search_starts_changes_nothing(features, label_ids):
    wanted = problem(features, label_ids, np.ones(ROWS, np.float32))
    weaker = logistic.solve(wanted, 0.01)
    one, other = (logistic.solve(wanted, 1.0, start=start, tolerance=1e-10) for start in (None, weaker))
    np.testing.assert_allclose(one.kernel, other.kernel, atol=2e-3)


def test_the_same_problem_has_the_same_solution_bit_for_bit(features, label_ids):
    one, other = (logistic.solve(problem(features, label_ids, np.ones(ROWS, np.float32)), 1.0) for _ in range(2))
    np.testing.assert_array_equal(one.kernel, other.kernel)
    np.testing.assert_array_equal(one.bias, other.bias)


def test_without_information_the_head_gives_the_shares_of_the_classes():
    label_ids = np.repeat(np.arange(CLASSES), [10, 20, 30])
    solution = logistic.solve(problem(np.zeros((ROWS, 2), np.float32), label_ids, np.ones(ROWS, np.float32)), 1.0)
    np.testing.assert_allclose(
        probabilities(solution, np.zeros((1, 2), np.float32))[0], [1 / 6, 1 / 3, 1 / 2], atol=1e-3
    )


def test_a_row_of_twice_the_weight_counts_as_two(features, label_ids):
    doubled = np.concatenate([features, features[:5]]), np.concatenate([label_ids, label_ids[:5]])
    weights = np.ones(ROWS, np.float32)
    weights[:5] = 2
    one = logistic.solve(problem(features, label_ids, weights), 1.0, tolerance=1e-10)
    other = logistic.solve(problem(*doubled, np.ones(ROWS + 5, np.float32)), 1.0, tolerance=1e-10)
    np.testing.assert_allclose(one.kernel, other.kernel, atol=2e-3)
