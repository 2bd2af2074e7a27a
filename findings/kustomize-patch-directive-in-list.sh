#!/usr/bin/env bash
# kustomize 5.5 and 5.6 (kubectl 1.32.4, 1.33.9): `$patch: replace` in a list of plain values is not a directive, it stays in the output as an element.
#
# In a map, and in a list of maps, a strategic merge patch takes `$patch: replace` and `$patch: delete` as orders. In a list of plain values, as accessModes,
# the list is replaced anyway, and an element `- $patch: replace` is printed with the rest, without a warning: an object that the API server refuses. A guess
# would be that it is an order there too, or an error.
#
# Seen: accessModes: [{$patch: replace}, ReadWriteOnce]. Exits non-zero when that changes.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > claim.yaml <<'X'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: blobs }
spec: { accessModes: [ReadWriteMany], resources: { requests: { storage: 1Gi } } }
X
cat > kustomization.yaml <<'X'
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [claim.yaml]
patches:
  - patch: |-
      apiVersion: v1
      kind: PersistentVolumeClaim
      metadata: { name: blobs }
      spec:
        accessModes:
          - $patch: replace
          - ReadWriteOnce
X
kubectl kustomize . | tee out.yaml
grep -q -- '- $patch: replace' out.yaml
