#!/bin/sh
# Installs the bundle in the current folder as /opt/quorate, for a manager or a worker.
set -eu
role=$1
target=/opt/quorate

rm -rf "$target"
python3 -m venv --without-pip "$target"
set -- wheels/pip-*.whl
python3 "$1/pip" --python "$target/bin/python" install --quiet --disable-pip-version-check \
    --no-cache-dir --no-compile --no-index --find-links wheels --only-binary :all: \
    --require-hashes -r requirements-agent.txt
packages=$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp -R quorate "$packages/quorate"
[ "$role" = manager ] || rm -rf "$packages/quorate/agent/steward"

# Service descriptions that no node asks for are most of botocore.
for folder in "$packages"/botocore/data/*/; do
    case "${folder%/}" in
        */autoscaling | */dynamodb | */ec2 | */kms | */ssm | */sts) ;;
        *) rm -rf "$folder" ;;
    esac
done

# What a boot imports is there.
"$target/bin/python" -c 'import quorate.agent.join.__main__'
[ "$role" != manager ] || "$target/bin/python" -c 'import quorate.agent.steward.__main__, quorate.agent.steward.loop'

"$target/bin/python" -m compileall -q --invalidation-mode unchecked-hash "$target/lib"
chown -R root:root "$target"
chmod -R a-w,go+rX "$target"
