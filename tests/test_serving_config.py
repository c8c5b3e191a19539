"""The deployment files of serving/: whether each parser takes them, and whether they are safe and agree."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

import serving_protos
import serving_schemas

SERVING = Path(__file__).parent.parent / "serving"
CONFIG = SERVING / "config"
PROBE = CONFIG / "is_available.sh"
COMPOSE_FILES = ["compose.yaml", "compose.gpu.yaml"]
KUBERNETES_FILES = ["k8s/base/deployment.yaml", "k8s/base/service.yaml", "k8s/base/hpa.yaml", "k8s/model_volume.yaml"]
# The oldest one that people still run, and the newest that the oldest kubernetes-validate allowed knows.
KUBERNETES_RELEASES = ["1.30", "1.34"]


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((SERVING / name).read_text("utf-8")))


def services() -> list[tuple[str, dict[str, Any]]]:
    files = {name: documents(name)[0]["services"] for name in COMPOSE_FILES}
    return [(f"{name}:{service}", settings) for name, found in files.items() for service, settings in found.items()]


def the_model() -> Any:
    config = text_format.Parse((CONFIG / "models.config").read_text(), model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    return model


def container(name: str) -> dict[str, Any]:
    """The only container of a Deployment or Pod."""
    (workload,) = [document for document in documents(name) if document["kind"] in ("Deployment", "Pod")]
    pod = workload["spec"]["template"]["spec"] if workload["kind"] == "Deployment" else workload["spec"]
    (only,) = pod["containers"]
    return {**only, "pod": pod}


def all_images() -> list[str]:
    overlay, inference = documents("k8s/gpu/kustomization.yaml")[0], documents("kserve/inferenceservice.yaml")[0]
    images = [settings["image"] for _, settings in services()]
    images += [container(name)["image"] for name in ("k8s/base/deployment.yaml", "k8s/model_volume.yaml")]
    images += [f"{image['name']}:{image['newTag']}" for image in overlay["images"]]
    return [*images, f"tensorflow/serving:{inference['spec']['predictor']['model']['runtimeVersion']}"]


# What the server reads.


def test_the_server_reads_the_model_configuration_and_loads_every_labelled_version() -> None:
    model = the_model()
    loaded = set(model.model_version_policy.specific.versions)
    assert (model.name, model.base_path, model.model_platform) == ("vehicles", "/models/vehicles", "tensorflow")
    assert set(model.version_labels) == {"stable", "canary"}
    assert set(model.version_labels.values()) <= loaded


def test_the_server_reads_the_monitoring_configuration_and_prometheus_asks_where_it_answers() -> None:
    message = text_format.Parse((CONFIG / "monitoring.config").read_text(), serving_protos.monitoring_config())
    (job,) = [job for job in documents("prometheus/prometheus.yaml")[0]["scrape_configs"] if "metrics_path" in job]
    annotations = documents("k8s/base/deployment.yaml")[0]["spec"]["template"]["metadata"]["annotations"]
    assert message.prometheus_config.enable
    assert message.prometheus_config.path == job["metrics_path"] == annotations["prometheus.io/path"]


def test_the_server_reads_the_batching_parameters_and_finds_its_sizes_in_order() -> None:
    message = text_format.Parse((CONFIG / "batching.config").read_text(), serving_protos.batching_parameters())
    sizes = list(message.allowed_batch_sizes)
    # session_bundle_config.proto asks for an increasing order that ends with max_batch_size.
    assert all(smaller < larger for smaller, larger in itertools.pairwise(sizes))
    assert sizes[-1] == message.max_batch_size.value
    assert message.num_batch_threads.value >= 1


@pytest.mark.parametrize("name", ["monitoring.config", "batching.config"])
def test_a_misspelt_field_of_a_configuration_is_noticed(name: str) -> None:
    message = (
        serving_protos.monitoring_config() if name == "monitoring.config" else serving_protos.batching_parameters()
    )
    with pytest.raises(text_format.ParseError):
        text_format.Parse((CONFIG / name).read_text() + "\nmax_batchsize { value: 1 }", message)


# Whether each file is of its format.


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("compose.yaml", serving_schemas.COMPOSE),
        ("compose.gpu.yaml", serving_schemas.COMPOSE),
        ("config/kustomization.yaml", serving_schemas.KUSTOMIZATION),
        ("k8s/base/kustomization.yaml", serving_schemas.KUSTOMIZATION),
        ("k8s/gpu/kustomization.yaml", serving_schemas.KUSTOMIZATION),
        ("kserve/inferenceservice.yaml", serving_schemas.INFERENCE_SERVICE),
        ("prometheus/prometheus.yaml", serving_schemas.PROMETHEUS),
        ("prometheus/alerts.yaml", serving_schemas.ALERTS),
        ("grafana/dashboard.json", serving_schemas.DASHBOARD),
        ("grafana/provisioning/datasources/prometheus.yaml", serving_schemas.DATA_SOURCES),
        ("grafana/provisioning/dashboards/dashboard.yaml", serving_schemas.DASHBOARD_PROVIDERS),
    ],
)
def test_a_file_fits_its_schema(name: str, schema: dict[str, Any]) -> None:
    (document,) = documents(name)
    jsonschema.Draft202012Validator(schema).validate(document)


@pytest.mark.parametrize("release", KUBERNETES_RELEASES)
@pytest.mark.parametrize("name", KUBERNETES_FILES)
def test_kubernetes_takes_each_object(name: str, release: str) -> None:
    for document in documents(name):
        kubernetes_validate.validate(document, release, strict=True)


def test_every_yaml_file_is_tested() -> None:
    found = {str(path.relative_to(SERVING)) for path in SERVING.rglob("*.yaml")}
    named = set(re.findall(r'"([\w./]+\.yaml)"', Path(__file__).read_text("utf-8")))
    assert found <= named


# Safety.


@pytest.mark.parametrize("image", all_images())
def test_an_image_is_pinned_to_a_release(image: str) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*", image)


def test_every_tensorflow_serving_is_the_same_release() -> None:
    tags = {
        image.split(":")[1].removesuffix("-gpu") for image in all_images() if image.startswith("tensorflow/serving")
    }
    assert len(tags) == 1


@pytest.mark.parametrize(("name", "settings"), services())
def test_ports_are_open_to_this_machine_only(name: str, settings: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in settings.get("ports", []))


def test_models_and_configuration_are_mounted_read_only() -> None:
    mounts = {mount["target"]: mount for mount in dict(services())["compose.yaml:tensorflow-serving"]["volumes"]}
    claims = {mount["mountPath"]: mount for mount in container("k8s/base/deployment.yaml")["volumeMounts"]}
    assert mounts["/models"]["read_only"] is mounts["/config"]["read_only"] is True
    assert claims["/models"]["readOnly"] is claims["/config"]["readOnly"] is True


@pytest.mark.parametrize("name", ["k8s/base/deployment.yaml", "k8s/model_volume.yaml"])
def test_a_pod_has_no_rights_that_it_does_not_need(name: str) -> None:
    only = container(name)
    assert only["pod"]["securityContext"]["runAsNonRoot"] is True
    assert only["pod"]["automountServiceAccountToken"] is False
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(only["resources"]) == {"requests", "limits"}


def test_nothing_enables_the_batching_of_the_server() -> None:
    flags = [flag for _, settings in services() for flag in settings.get("command", [])]
    flags += container("k8s/base/deployment.yaml")["args"]
    flags += documents("kserve/inferenceservice.yaml")[0]["spec"]["predictor"]["model"]["args"]
    assert flags
    assert not [flag for flag in flags if "batching" in flag]


# Whether the files agree.


def test_a_gpu_adds_nothing_to_the_flags_but_its_share_of_memory() -> None:
    flags = {name: settings["command"] for name, settings in services() if name.endswith(":tensorflow-serving")}
    *shared, fraction = flags["compose.gpu.yaml:tensorflow-serving"]
    assert shared == flags["compose.yaml:tensorflow-serving"]
    assert re.fullmatch(r"--per_process_gpu_memory_fraction=0\.\d+", fraction)


def test_kubernetes_starts_the_server_with_the_flags_of_compose() -> None:
    compose = dict(services())["compose.yaml:tensorflow-serving"]["command"]
    assert container("k8s/base/deployment.yaml")["args"][: len(compose)] == compose


def flag(name: str) -> int:
    """The value of a flag of the server in Kubernetes, which are those of compose."""
    (given,) = [text for text in container("k8s/base/deployment.yaml")["args"] if text.startswith(f"--{name}=")]
    return int(given.partition("=")[2])


def test_a_start_outlasts_the_retries_of_a_version_that_cannot_be_loaded() -> None:
    """Through them the server opens no port; its defaults take 300 s."""
    retries_seconds = flag("max_num_load_retries") * flag("load_retry_interval_micros") / 1e6
    probe = container("k8s/base/deployment.yaml")["startupProbe"]
    check = dict(services())["compose.yaml:tensorflow-serving"]["healthcheck"]
    # At least one retry: with none the server ends where a broken version fails before another one is loaded.
    assert retries_seconds > 0
    for patience_seconds in (probe["periodSeconds"] * probe["failureThreshold"], int(check["start_period"][:-1])):
        assert patience_seconds >= 2 * retries_seconds


def test_a_server_is_never_process_1_which_would_not_hear_that_it_shall_end() -> None:
    pod = container("k8s/base/deployment.yaml")["pod"]
    assert pod["shareProcessNamespace"] is True
    assert len(pod["containers"]) == 1  # no other one sees the server's processes
    assert dict(services())["compose.yaml:tensorflow-serving"]["init"] is True


def test_a_pod_ends_after_grpc_clients_have_left_and_before_it_is_killed() -> None:
    (given,) = [text for text in container("k8s/base/deployment.yaml")["args"] if "max_connection_age_ms=" in text]
    # gRPC spreads the age by 10% (MAX_CONNECTION_AGE_JITTER in its A9); the service's news takes some seconds.
    longest_seconds = 5 + 1.1 * int(given.rpartition("=")[2]) / 1000
    pod = container("k8s/base/deployment.yaml")
    command, pause = pod["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    assert longest_seconds <= int(pause) < pod["pod"]["terminationGracePeriodSeconds"]


def test_a_version_that_cannot_be_loaded_holds_up_no_other() -> None:
    assert flag("num_load_threads") > 1


def test_every_file_that_a_flag_names_is_in_the_mounted_folder() -> None:
    flags = container("k8s/base/deployment.yaml")["args"]
    named = {flag.split("=/config/")[1] for flag in flags if "=/config/" in flag}
    (generated,) = documents("config/kustomization.yaml")[0]["configMapGenerator"]
    assert named == {"models.config", "monitoring.config"}
    assert named | {"is_available.sh"} == set(generated["files"])
    assert all((CONFIG / name).is_file() for name in generated["files"])


@pytest.mark.parametrize(("name", "settings"), services())
def test_a_file_of_this_repository_that_is_mounted_exists(name: str, settings: dict[str, Any]) -> None:
    sources = [mount["source"] for mount in settings.get("volumes", []) if mount["type"] == "bind"]
    local = [re.sub(r"^\$\{CONFIG_FOLDER:-(.*)\}$", r"\1", source) for source in sources]
    assert [source for source in local if not source.startswith("${") and not (SERVING / source).exists()] == []


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe"])
def test_kubernetes_probes_the_model_by_the_tested_script(probe: str) -> None:
    command = container("k8s/base/deployment.yaml")[probe]["exec"]["command"]
    assert command == ["bash", f"/config/{PROBE.name}", the_model().name]


def test_compose_checks_the_health_of_the_model_by_the_tested_script() -> None:
    check = dict(services())["compose.yaml:tensorflow-serving"]["healthcheck"]
    assert check["test"] == ["CMD", "bash", f"/config/{PROBE.name}", f"${{MODEL_NAME:-{the_model().name}}}"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("release", KUBERNETES_RELEASES)
def test_the_overlay_gives_each_pod_a_gpu_and_no_autoscaler(release: str) -> None:
    command = ["kubectl", "kustomize", str(SERVING / "k8s" / "gpu")]
    rendered = list(yaml.safe_load_all(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    for document in rendered:
        kubernetes_validate.validate(document, release, strict=True)
    by_kind = {document["kind"]: document for document in rendered}
    assert set(by_kind) == {"ConfigMap", "Service", "Deployment"}
    (only,) = by_kind["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert only["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert only["image"].endswith("-gpu")
    assert only["args"] == [*container("k8s/base/deployment.yaml")["args"], "--per_process_gpu_memory_fraction=0.9"]
    assert by_kind["ConfigMap"]["data"]["is_available.sh"] == PROBE.read_text("utf-8")
