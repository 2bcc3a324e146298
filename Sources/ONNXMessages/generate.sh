#!/usr/bin/env bash
# Makes onnx.pb.swift of onnx.proto. Run it after changing onnx.proto and commit the result: building
# the package needs neither protoc nor its plugin.
#
# Needs what the script of the same name in CaffeMessages needs.
set -euo pipefail
cd "$(dirname "$0")"

protoc --swift_opt=Visibility=Public --swift_out=. onnx.proto
