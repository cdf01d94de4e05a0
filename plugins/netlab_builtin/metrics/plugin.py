"""Declares netlab's own metrics.

Tags that ``netlab metrics`` reads: ``targets`` (needs targets, not labels), ``unlabelled`` (needs
neither), ``reference`` (measures points against reference points), ``layers`` (compares a layer with
the one before), ``range:LOW:HIGH`` (the range of the value, open where empty), ``better:higher``,
``better:lower`` or ``better:neither`` (which way is better).
"""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl

KALHOR = (
    "Kalhor et al., Evaluation of dataflow through layers of deep neural networks in classification "
    "and regression problems, 2023"
)
LORENA = "Lorena et al., How complex is your classification problem?, ACM Computing Surveys 52, 2019"


def _metric(
    name: str,
    summary: str,
    target: str,
    reference: str,
    *,
    options: str | None = None,
    tags: tuple[str, ...] = (),
    between: str = "0:1",
    better: str = "higher",
) -> ComponentSpec:
    """A metric; ``between`` is the range of its value, LOW:HIGH, open where empty."""
    return ComponentSpec(
        kind="metric",
        name=name,
        summary=summary,
        target=f"netlab_builtin.metrics.{target}",
        options=None if options is None else f"netlab_builtin.metrics.options:{options}",
        reference=reference,
        tags=frozenset({*tags, f"range:{between}", f"better:{better}"}),
    )


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:  # long: a list of declarations, one a metric
    yield _metric(
        "si", "Separation Index: is the nearest point of the same class?", "si:separation_index", KALHOR,
        options="TiesOptions", tags=("default",),
    )  # fmt: skip
    yield _metric(
        "csi",
        "Centre-based SI: is a point's nearest class mean that of its class?",
        "csi:centre_separation_index",
        KALHOR,
        options="CentresOptions",
    )
    yield _metric(
        "csi-loo",
        "CSI with each point left out of its own class mean",
        "csi:centre_separation_index_loo",
        "csi with leave-one-out means",
        options="CentresOptions",
    )
    yield _metric(
        "high-order-si", "Are all of the nearest points of the same class?", "orders:high_order_si", KALHOR,
        options="OrderOptions",
    )  # fmt: skip
    yield _metric(
        "soft-si", "Share of the nearest points of the same class", "orders:soft_si", KALHOR,
        options="OrderOptions",
    )  # fmt: skip
    yield _metric(
        "anti-si", "Are none of the nearest points of the same class?", "orders:anti_si", KALHOR,
        options="OrderOptions", better="lower",
    )  # fmt: skip
    yield _metric(
        "data-score",
        "Length of the run of neighbours of the same (+) or other (-) classes",
        "data_score:data_score",
        KALHOR,
        between=":",
    )
    yield _metric(
        "cross-si", "SI of points against other (training) points", "cross:cross_si", KALHOR,
        options="TiesOptions", tags=("reference",),
    )  # fmt: skip
    yield _metric(
        "cross-csi", "CSI of points against the class means of training points", "cross:cross_csi", KALHOR,
        tags=("reference",),
    )  # fmt: skip
    yield _metric(
        "margin", "Distance to the nearest other class less that to the same class", "margin:margin",
        "Crammer et al., Margin analysis of the LVQ algorithm, NIPS 2002",
        between=":",
    )  # fmt: skip
    yield _metric(
        "n2", "Ratio of nearest distances, same class over other classes", "n2:n2", LORENA, better="lower"
    )
    yield _metric(
        "confusion",
        "Which class is nearest instead",
        "confusion:confusion",
        "confusion matrix of the SI decision",
        better="lower",
    )
    yield _metric(
        "silhouette", "Silhouette coefficient of the classes", "clusters:silhouette",
        "Rousseeuw, Silhouettes, Journal of Computational and Applied Mathematics 20, 1987",
        between="-1:1",
    )  # fmt: skip
    yield _metric(
        "davies-bouldin", "Davies-Bouldin index of the classes", "clusters:davies_bouldin",
        "Davies and Bouldin, A cluster separation measure, IEEE TPAMI 1, 1979",
        between="0:", better="lower",
    )  # fmt: skip
    yield _metric(
        "calinski-harabasz", "Variance ratio criterion of the classes", "clusters:calinski_harabasz",
        "Caliński and Harabasz, A dendrite method for cluster analysis, Communications in Statistics 3, 1974",
        between="0:",
    )  # fmt: skip
    yield _metric(
        "fisher", "Between-class over within-class scatter", "scatter:fisher",
        "Fukunaga, Introduction to Statistical Pattern Recognition, 2nd ed., 1990, section 10.2",
        between="0:",
    )  # fmt: skip
    yield _metric(
        "nc1", "Within-class variability collapse", "scatter:nc1",
        "Papyan, Han and Donoho, Prevalence of neural collapse, PNAS 117, 2020",
        between="0:", better="lower",
    )  # fmt: skip
    yield _metric(
        "linear-cka", "Similarity to the layer before", "cka:linear_cka",
        "Kornblith et al., Similarity of neural network representations revisited, ICML 2019",
        tags=("layers", "unlabelled"), better="neither",
    )  # fmt: skip
    yield _metric(
        "intrinsic-dimension", "Intrinsic dimension of the points (TwoNN)", "dimension:intrinsic_dimension",
        "Facco et al., Estimating the intrinsic dimension of datasets by a minimal neighborhood information, "
        "Scientific Reports 7, 2017",
        options="IntrinsicDimensionOptions", tags=("unlabelled",),
        between="0:", better="neither",
    )  # fmt: skip
    yield _metric(
        "linear-probe", "Accuracy of a linear classifier on the features", "probe:linear_probe",
        "Alain and Bengio, Understanding intermediate layers using linear classifier probes, 2016",
        options="LinearProbeOptions",
    )  # fmt: skip
    yield _metric(
        "smi", "Smoothness Index: is the nearest point's target near?", "smoothness:smoothness_index", KALHOR,
        options="SmoothnessOptions", tags=("targets",),
    )  # fmt: skip
    yield _metric(
        "feature-ranking", "Forward selection of features by SI", "ranking:feature_ranking", KALHOR,
        options="FeatureRankingOptions",
    )  # fmt: skip
