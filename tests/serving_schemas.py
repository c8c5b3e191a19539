"""Schemas of the deployment files in serving/ that no package brings: strict about names, so that a typo fails.

Each holds what the files use of its format, and nothing more: a new key must be looked up and added here. Sources: the
Compose Specification, Prometheus' configuration and recording rules, Grafana's dashboard JSON model and provisioning,
KServe's API v1beta1, TensorFlow Serving's protos.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_TEXTS: Schema = {"type": "array", "items": _TEXT, "minItems": 1}
_DURATION: Schema = {"type": "string", "pattern": r"^\d+(ms|s|m|h|d)$"}
_WHOLE: Schema = {"type": "integer", "minimum": 0}


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these properties and no others."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


_BIND = _object(
    {"type": {"const": "bind"}, "source": _TEXT, "target": _TEXT, "read_only": {"const": True}},
    {"bind": _object({"create_host_path": {"const": False}})},
)
_VOLUME = _object({"type": {"const": "volume"}, "source": _TEXT, "target": _TEXT})
_GPU = _object(
    {
        "driver": {"const": "nvidia"},
        "count": {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "all"}]},
        "capabilities": {"const": ["gpu"]},
    }
)
_HEALTHCHECK = _object(
    {"test": _TEXTS, "interval": _DURATION, "timeout": _DURATION, "retries": _WHOLE},
    {"start_period": _DURATION, "start_interval": _DURATION},
)
_SERVICE = _object(
    {"image": _TEXT},
    {
        "profiles": _TEXTS,
        "entrypoint": _TEXTS,
        "command": _TEXTS,
        "environment": _map({"type": "string"}),
        "ports": _TEXTS,
        "volumes": _list({"anyOf": [_BIND, _VOLUME]}),
        "read_only": {"type": "boolean"},
        "tmpfs": _TEXTS,
        "cap_drop": _TEXTS,
        "cap_add": _TEXTS,
        "security_opt": _TEXTS,
        "init": {"type": "boolean"},
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "stop_grace_period": _DURATION,
        "healthcheck": _HEALTHCHECK,
        "deploy": _object({"resources": _object({"reservations": _object({"devices": _list(_GPU)})})}),
    },
)
COMPOSE = _object({"services": _map(_SERVICE)}, {"volumes": _map({"type": "null"})})

_SCRAPE = _object(
    {"job_name": _TEXT},
    {
        "metrics_path": {"type": "string", "pattern": "^/"},
        "static_configs": _list(_object({"targets": _TEXTS})),
        "dns_sd_configs": _list(_object({"names": _TEXTS, "type": {"enum": ["A", "AAAA", "SRV"]}, "port": _WHOLE})),
    },
)
PROMETHEUS = _object(
    {
        "global": _object({"scrape_interval": _DURATION, "evaluation_interval": _DURATION}),
        "rule_files": _TEXTS,
        "scrape_configs": _list(_SCRAPE),
    }
)

_ALERT = _object(
    {
        "alert": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
        "expr": _TEXT,
        "labels": _object({"severity": {"enum": ["warning", "critical"]}}),
        "annotations": _object({"summary": _TEXT, "action": _TEXT}),
    },
    {"for": _DURATION},
)
ALERTS = _object({"groups": _list(_object({"name": _TEXT, "rules": _list(_ALERT)}))})

_TARGET = {"type": "object", "required": ["refId", "datasource", "expr", "legendFormat"]}
_PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "description", "gridPos", "fieldConfig", "targets"],
    "properties": {
        "type": {"enum": ["stat", "timeseries"]},
        "title": _TEXT,
        "description": _TEXT,
        "gridPos": _object(dict.fromkeys("hwxy", _WHOLE)),
        "targets": _list(_TARGET),
    },
}
DASHBOARD = {
    "type": "object",
    "required": ["title", "uid", "schemaVersion", "templating", "panels"],
    "properties": {"schemaVersion": _WHOLE, "panels": _list(_PANEL)},
}
DATA_SOURCES = _object(
    {
        "apiVersion": {"const": 1},
        "datasources": _list(
            _object(
                {"name": _TEXT, "type": {"const": "prometheus"}, "access": {"const": "proxy"}, "url": _TEXT},
                {"isDefault": {"type": "boolean"}},
            )
        ),
    }
)
DASHBOARD_PROVIDERS = _object(
    {
        "apiVersion": {"const": 1},
        "providers": _list(_object({"name": _TEXT, "type": {"const": "file"}, "options": _object({"path": _TEXT})})),
    }
)

_QUANTITIES = _map(_TEXT)
INFERENCE_SERVICE = _object(
    {
        "apiVersion": {"const": "serving.kserve.io/v1beta1"},
        "kind": {"const": "InferenceService"},
        "metadata": _object({"name": _TEXT}),
        "spec": _object(
            {
                "predictor": _object(
                    {
                        "model": _object(
                            {
                                "modelFormat": _object({"name": {"const": "tensorflow"}, "version": {"const": "2"}}),
                                "runtimeVersion": _TEXT,
                                "protocolVersion": {"enum": ["v1", "grpc-v1"]},
                                "storageUri": {"type": "string", "pattern": r"^(pvc|s3|gs)://[^/]+/.+$"},
                                "args": _TEXTS,
                                "resources": _object({"requests": _QUANTITIES, "limits": _QUANTITIES}),
                            }
                        )
                    },
                    {
                        "minReplicas": _WHOLE,
                        "maxReplicas": _WHOLE,
                        "scaleMetric": {"enum": ["concurrency", "rps", "cpu", "memory"]},
                        "scaleTarget": _WHOLE,
                    },
                )
            }
        ),
    }
)

KUSTOMIZATION = _object(
    {"apiVersion": {"const": "kustomize.config.k8s.io/v1beta1"}, "kind": {"const": "Kustomization"}},
    {
        "resources": _TEXTS,
        "labels": _list(_object({"pairs": _map(_TEXT)})),
        "images": _list(_object({"name": _TEXT, "newTag": _TEXT})),
        "replicas": _list(_object({"name": _TEXT, "count": _WHOLE})),
        "patches": _list(_object({"patch": _TEXT}, {"target": _map(_TEXT)})),
        "configMapGenerator": _list(_object({"name": _TEXT, "files": _TEXTS})),
        "generatorOptions": _object({"disableNameSuffixHash": {"type": "boolean"}}),
    },
)
