"""The lines that the service reads."""
import json

def milliseconds(seconds):
    return int(seconds * 1000) if seconds else None

def encode(line):
    return json.dumps(line, separators=(',', ':')).encode('ascii') + b'\n'
