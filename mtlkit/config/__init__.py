"""Configuration: components, their schemas, Jsonnet and readable errors. Independent of torch and of text."""

from mtlkit.config.component import (
    FILES,
    Component,
    Runtime,
    SavedFiles,
    interface_of,
    interfaces,
    is_interface,
    runtime_names,
)
from mtlkit.config.describe import SettingDescription, settings_of, summary
from mtlkit.config.explain import path_text, validate
from mtlkit.config.json_schema import json_schema
from mtlkit.config.json_text import parse_json, parse_value
from mtlkit.config.jsonnet import Evaluated, Variables, evaluate_file, experiment_root, top_level_arguments
from mtlkit.config.lazy import Lazy, components_in, parts_by_place
from mtlkit.config.leaves import ABSENT, Difference, differences, flattened
from mtlkit.config.overrides import apply_overrides, parse_assignment
from mtlkit.config.near_files import near_file
from mtlkit.config.own_files import fault_of_files
from mtlkit.config.places import with_parts
from mtlkit.config.spec import Spec, nearest

__all__ = [
    "ABSENT",
    "FILES",
    "Component",
    "Difference",
    "Evaluated",
    "Lazy",
    "Runtime",
    "SavedFiles",
    "SettingDescription",
    "Spec",
    "Variables",
    "apply_overrides",
    "components_in",
    "differences",
    "evaluate_file",
    "experiment_root",
    "fault_of_files",
    "flattened",
    "interface_of",
    "interfaces",
    "is_interface",
    "json_schema",
    "near_file",
    "nearest",
    "parse_assignment",
    "parse_json",
    "parse_value",
    "parts_by_place",
    "path_text",
    "runtime_names",
    "settings_of",
    "summary",
    "top_level_arguments",
    "validate",
    "with_parts",
]
