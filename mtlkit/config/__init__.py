"""Configuration: components, their schemas, Jsonnet and readable errors. Independent of torch and of text."""

from mtlkit.config.calls import (
    callback_argument,
    count_argument,
    flag_argument,
    names_argument,
    path_argument,
    resume_argument,
    say_argument,
)
from mtlkit.config.component import (
    FILES,
    Component,
    SavedFiles,
    interface_of,
    interfaces,
    is_interface,
    runtime_names,
)
from mtlkit.config.constructors import Runtime
from mtlkit.config.describe import SettingDescription, settings_of, summary
from mtlkit.config.experiment_file import evaluate_experiment, jsonnet_variables, plain_value, too_deep
from mtlkit.config.explain import path_text, validate
from mtlkit.config.imports import experiment_root
from mtlkit.config.json_schema import json_schema
from mtlkit.config.json_text import parse_json, parse_value
from mtlkit.config.jsonnet import Evaluated, Variables, evaluate_file, top_level_arguments
from mtlkit.config.lazy import Lazy, components_in, parts_by_place
from mtlkit.config.leaves import ABSENT, Difference, differences, flattened
from mtlkit.config.near_files import near_file
from mtlkit.config.overrides import apply_overrides, parse_assignment
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
    "callback_argument",
    "components_in",
    "count_argument",
    "differences",
    "evaluate_experiment",
    "evaluate_file",
    "experiment_root",
    "fault_of_files",
    "flag_argument",
    "flattened",
    "interface_of",
    "interfaces",
    "is_interface",
    "jsonnet_variables",
    "json_schema",
    "names_argument",
    "near_file",
    "nearest",
    "parse_assignment",
    "parse_json",
    "parse_value",
    "parts_by_place",
    "path_argument",
    "path_text",
    "plain_value",
    "resume_argument",
    "say_argument",
    "runtime_names",
    "settings_of",
    "summary",
    "too_deep",
    "top_level_arguments",
    "validate",
    "with_parts",
]
