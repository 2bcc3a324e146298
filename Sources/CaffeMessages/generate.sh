#!/usr/bin/env bash
# Makes caffe.pb.swift and CaffeSchema.swift of caffe.proto. Run it after changing caffe.proto and
# commit the result: building the package needs neither protoc nor its plugin.
#
# Needs protoc (Debian: protobuf-compiler), and protoc-gen-swift 1.39.0 in the PATH: in a checkout of
# https://github.com/apple/swift-protobuf at that version,
#   swift build -c release --product protoc-gen-swift
set -euo pipefail
cd "$(dirname "$0")"

protoc --swift_opt=Visibility=Public --swift_out=. caffe.proto

descriptors="$(mktemp)"
trap 'rm -f "$descriptors"' EXIT
protoc --descriptor_set_out="$descriptors" caffe.proto
{
  cat <<'SWIFT'
// Generated from caffe.proto by generate.sh. Do not edit.
// swift-format-ignore-file

/// A description of every message in caffe.proto: a serialized `google.protobuf.FileDescriptorSet`
/// in Base64. The text format needs the names and types of fields at run time.
public let caffeFileDescriptorSet = """
SWIFT
  base64 --wrap=96 "$descriptors" | sed 's/^/  /; s/$/\\/; $ s/\\$//'
  echo '  """'
} >CaffeSchema.swift
