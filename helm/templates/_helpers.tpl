{{/* Names. 30 characters leave room for -worker-<pool> within the 52 of a StatefulSet. */}}
{{- define "tandem.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end -}}
{{- $name | trunc 30 | trimSuffix "-" -}}
{{- end }}

{{/* Labels that never change: selectors use them. Takes (list root component). */}}
{{- define "tandem.selector" -}}
app.kubernetes.io/name: {{ (index . 0).Chart.Name }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "tandem.labels" -}}
{{ include "tandem.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ (index . 0).Chart.Name }}-{{ (index . 0).Chart.Version }}
{{- end }}

{{/* Takes (list root variant). */}}
{{- define "tandem.image" -}}
{{- $root := index . 0 -}}
{{- $tag := $root.Values.image.tag | default $root.Chart.AppVersion -}}
{{- if ne (index . 1) "cpu" }}{{ $tag = printf "%s-%s" $tag (index . 1) }}{{ end -}}
{{ $root.Values.image.repository }}:{{ $tag }}
{{- end }}

{{- define "tandem.tokenSecret" -}}
{{ .Values.token.existingSecret | default (printf "%s-token" (include "tandem.name" .)) }}
{{- end }}

{{- define "tandem.tokenKey" -}}
{{ ternary .Values.token.key "token" (ne .Values.token.existingSecret "") }}
{{- end }}

{{- define "tandem.tokenEnv" -}}
- name: TANDEM_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ include "tandem.tokenSecret" . }}
      key: {{ include "tandem.tokenKey" . }}
{{- end }}

{{- define "tandem.databaseSecret" -}}
{{ .Values.database.existingSecret | default (printf "%s-database" (include "tandem.name" .)) }}
{{- end }}

{{- define "tandem.serviceAccount" -}}
{{ ternary (printf "%s-coordinator" (include "tandem.name" .)) (.Values.serviceAccount.name | default "default") .Values.serviceAccount.create }}
{{- end }}

{{/* Where workers find the coordinators: the names of their pods. */}}
{{- define "tandem.coordinators" -}}
{{- $root := . -}}
{{- $addresses := list -}}
{{- range until (int .Values.coordinator.replicas) -}}
{{- $addresses = append $addresses (printf "%s-coordinator-%d.%s:%d" (include "tandem.name" $root) . (include "tandem.coordinatorDomain" $root) (int $root.Values.ports.control)) -}}
{{- end -}}
{{ join "," $addresses }}
{{- end }}

{{- define "tandem.coordinatorDomain" -}}
{{ include "tandem.name" . }}-coordinator-headless.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{/* The pools with their defaults filled in, as YAML; read it by fromYamlArray. */}}
{{- define "tandem.pools" -}}
{{- $defaults := omit .Values.worker "pools" -}}
{{- $pools := list -}}
{{- range (.Values.worker.pools | default (list (dict "name" "default"))) -}}
{{- $pools = append $pools (mergeOverwrite (deepCopy $defaults) .) -}}
{{- end -}}
{{ toYaml $pools }}
{{- end }}

{{/* How long coordinators wait for an attempt that was told to end: as long as a worker may take to leave, a minute at least. */}}
{{- define "tandem.stopSeconds" -}}
{{- $seconds := 60 -}}
{{- range include "tandem.pools" . | fromYamlArray -}}
{{- $seconds = max $seconds (int .terminationGracePeriodSeconds) -}}
{{- end -}}
{{ $seconds }}
{{- end }}

{{/* Bytes of a quantity such as 4Gi or 500M. */}}
{{- define "tandem.bytes" -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 -}}
{{- $text := toString . -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- mulf (float64 (trimSuffix $unit $text)) (get $units $unit | default 1) | int64 -}}
{{- end }}

{{/*
MiB of /dev/shm of a worker: (list root pool). Each attempt keeps a log of three terms to each peer and an image of the
peer's; all its peers are of its pool, and share at most as many attempts as each has slots. Twice that, since an attempt
may start while the one before still ends. 16 MiB are the media driver's own.
*/}}
{{- define "tandem.sharedMemory" -}}
{{- $root := index . 0 -}}
{{- $pool := index . 1 -}}
{{- $others := sub (int $pool.replicas) 1 | int | max 0 -}}
{{- $peers := int $root.Values.sharedMemory.peers | default (mul $others (int $pool.slots)) -}}
{{- $logKibibytes := add (mul 3 1024 (int $root.Values.sharedMemory.termMebibytes)) 64 -}}
{{- add 16 (div (add (mul 4 $peers $logKibibytes) 1023) 1024) -}}
{{- end }}

{{/* Whether something of the Prometheus operator is wanted: (list root enabled kind); "true" or nothing. */}}
{{- define "tandem.wanted" -}}
{{- $enabled := index . 1 | toString -}}
{{- $there := (index . 0).Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" (index . 2)) -}}
{{- if or (eq $enabled "true") (and (eq $enabled "auto") $there) }}true{{ end -}}
{{- end }}

{{/* Annotations for a Prometheus that finds pods by them: (list root port scheme). */}}
{{- define "tandem.scrapeAnnotations" -}}
{{- $root := index . 0 -}}
{{- if and $root.Values.monitoring.annotations.enabled (not (include "tandem.wanted" (list $root $root.Values.monitoring.podMonitor.enabled "PodMonitor"))) -}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ index . 1 | int | quote }}
prometheus.io/path: /metrics
{{- if eq (index . 2) "https" }}
prometheus.io/scheme: https
{{- end }}
{{- end }}
{{- end }}

{{/* By which rules and dashboards tell releases apart: a target's label. */}}
{{- define "tandem.releaseLabel" -}}
relabelings:
  - targetLabel: tandem
    replacement: {{ .Release.Namespace }}/{{ .Release.Name }}
{{- end }}
