{{/* What the schema cannot say: refused with a sentence that says what to set. */}}
{{- define "tandem.checks" -}}
{{- include "tandem.tlsChecks" . -}}
{{- $database := .Values.database -}}
{{- if and (gt (int .Values.coordinator.replicas) 1) (not $database.host) -}}
{{- fail (printf "coordinator.replicas is %d, and several coordinators need a database: set database.host (PostgreSQL) and database.existingSecret, or coordinator.replicas=1" (int .Values.coordinator.replicas)) -}}
{{- end -}}
{{- if and $database.host (not $database.existingSecret) (not $database.password) -}}
{{- fail (printf "database.host is %s, but no password is given: set database.existingSecret (its key is database.key, now %q) or database.password" $database.host $database.key) -}}
{{- end -}}
{{- if and $database.existingSecret $database.password -}}
{{- fail "database.existingSecret and database.password are both set: keep one" -}}
{{- end -}}
{{- if and .Values.checkpoints.existingClaim .Values.checkpoints.volume -}}
{{- fail "checkpoints.existingClaim and checkpoints.volume are both set: keep one" -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) (gt (int .Values.coordinator.replicas) 1) -}}
{{- fail "serviceAccount.create is false and serviceAccount.name is empty: several coordinators need a service account that may list pods; name it, or let it be made" -}}
{{- end -}}
{{- $names := list -}}
{{- range (include "tandem.pools" . | fromYamlArray) -}}
{{- if has .name $names -}}
{{- fail (printf "worker.pools: two pools are named %q; give each its own name" .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- $shm := include "tandem.sharedMemory" (list $ .) | int64 -}}
{{- $limit := dig "limits" "memory" "" .resources -}}
{{- if $limit -}}
{{- if ge (mul $shm 2097152) (include "tandem.bytes" $limit | int64) -}}
{{- fail (printf "worker pool %s: /dev/shm takes %d MiB, which is half or more of resources.limits.memory %s: raise the limit, or set sharedMemory.peers to the peers that a worker really has" .name $shm (toString $limit)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
