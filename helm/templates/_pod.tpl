{{/* What all pods share. Kubernetes' "restricted" standard; 10001 is the image's user. */}}
{{- define "tandem.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "tandem.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "tandem.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where a pod may run: (list root settings component pool). The pool is empty for coordinators. */}}
{{- define "tandem.scheduling" -}}
{{- $root := index . 0 -}}
{{- $settings := index . 1 -}}
{{- with $settings.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $settings.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $settings.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $settings.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- if $root.Values.topologySpread.enabled }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: {{ $root.Values.topologySpread.topologyKey }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "tandem.selector" (list $root (index . 2)) | nindent 8 }}
        {{- with index . 3 }}
        tandem.io/pool: {{ . }}
        {{- end }}
{{- end }}
{{- end }}

{{/* An HTTP probe: (list path port period failures tls). The kubelet asks for no certificate that it knows. */}}
{{- define "tandem.probe" -}}
httpGet:
  path: {{ index . 0 }}
  port: {{ index . 1 }}
  {{- if index . 4 }}
  scheme: HTTPS
  {{- end }}
timeoutSeconds: 5
periodSeconds: {{ index . 2 }}
failureThreshold: {{ index . 3 }}
{{- end }}

{{/* The volume of checkpoints. */}}
{{- define "tandem.checkpointsVolume" -}}
- name: checkpoints
{{- if .Values.checkpoints.volume }}
  {{- toYaml .Values.checkpoints.volume | nindent 2 }}
{{- else }}
  persistentVolumeClaim:
    claimName: {{ .Values.checkpoints.existingClaim | default (printf "%s-checkpoints" (include "tandem.name" .)) }}
{{- end }}
{{- end }}

{{- define "tandem.temporaryVolume" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.temporary.sizeLimit }}
{{- end }}
