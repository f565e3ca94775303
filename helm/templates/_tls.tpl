{{/* Secrets with tls.crt, tls.key and ca.crt, as kubernetes.io/tls and cert-manager name them. */}}
{{- define "tandem.restSecret" -}}
{{ .Values.tls.rest.existingSecret | default (printf "%s-rest-tls" (include "tandem.name" .)) }}
{{- end }}

{{- define "tandem.controlSecret" -}}
{{ .Values.tls.control.existingSecret | default (printf "%s-control-tls" (include "tandem.name" .)) }}
{{- end }}

{{/* "true" or nothing. */}}
{{- define "tandem.restTls" -}}
{{- if ne .Values.tls.rest.source "none" }}true{{ end -}}
{{- end }}

{{- define "tandem.controlTls" -}}
{{- if ne .Values.tls.control.source "none" }}true{{ end -}}
{{- end }}

{{/* Whether clients are given an authority to trust: "true" or nothing. */}}
{{- define "tandem.restAuthority" -}}
{{- if and (include "tandem.restTls" .) (not .Values.tls.rest.publicAuthority) }}true{{ end -}}
{{- end }}

{{- define "tandem.restScheme" -}}
{{ ternary "https" "http" (eq (include "tandem.restTls" .) "true") }}
{{- end }}

{{/* The name under which clients inside the cluster call REST, and that its certificate bears. */}}
{{- define "tandem.restName" -}}
{{ .Values.tls.rest.serverName | default (printf "%s.%s.svc" (include "tandem.name" .) .Release.Namespace) }}
{{- end }}

{{/* Names of a certificate that is made here, as a JSON list; localhost is for kubectl port-forward. */}}
{{- define "tandem.restNames" -}}
{{- $name := include "tandem.name" . -}}
{{- $service := printf "%s.%s.svc" $name .Release.Namespace -}}
{{- concat (list $service (printf "%s.%s" $service .Values.clusterDomain) (printf "%s.%s" $name .Release.Namespace) $name "localhost") .Values.tls.rest.names | uniq | toJson -}}
{{- end }}

{{/* Has all coordinators and workers of a release bear one name, and those of another release another. */}}
{{- define "tandem.controlNames" -}}
{{ list (printf "%s.%s.tandem" (include "tandem.name" .) .Release.Namespace) | toJson }}
{{- end }}

{{- define "tandem.controlTlsEnv" -}}
{{- if include "tandem.controlTls" . -}}
- name: TANDEM_CONTROL_CERTIFICATE
  value: /etc/tandem/control/tls.crt
- name: TANDEM_CONTROL_KEY
  value: /etc/tandem/control/tls.key
- name: TANDEM_CONTROL_AUTHORITY
  value: /etc/tandem/control/ca.crt
{{- end }}
{{- end }}

{{- define "tandem.controlTlsMount" -}}
{{- if include "tandem.controlTls" . -}}
- name: control-tls
  mountPath: /etc/tandem/control
  readOnly: true
{{- end }}
{{- end }}

{{- define "tandem.controlTlsVolume" -}}
{{- if include "tandem.controlTls" . -}}
- name: control-tls
  {{- include "tandem.secretVolume" (list (include "tandem.controlSecret" .) (list "tls.crt" "tls.key" "ca.crt")) | nindent 2 }}
{{- end }}
{{- end }}

{{/* Files that only the pod's user reads, whole directories so that Kubernetes renews them: (list secret keys). */}}
{{- define "tandem.secretVolume" -}}
secret:
  secretName: {{ index . 0 }}
  defaultMode: 288 # 0440
  items:
    {{- range index . 1 }}
    - key: {{ . }}
      path: {{ . }}
    {{- end }}
{{- end }}

{{/* Half of what is needed is refused: a sentence each. */}}
{{- define "tandem.tlsChecks" -}}
{{- range $use := list "rest" "control" -}}
{{- $tls := get $.Values.tls $use -}}
{{- if and (eq $tls.source "existing") (not $tls.existingSecret) -}}
{{- fail (printf "tls.%s.source is existing, but no Secret is named: set tls.%s.existingSecret (keys tls.crt, tls.key, ca.crt), or another source: none, generated, cert-manager" $use $use) -}}
{{- end -}}
{{- if and (ne $tls.source "existing") $tls.existingSecret -}}
{{- fail (printf "tls.%s.existingSecret is %s, but tls.%s.source is %s: set tls.%s.source=existing, or name no Secret" $use $tls.existingSecret $use $tls.source $use) -}}
{{- end -}}
{{- if eq $tls.source "cert-manager" -}}
{{- if not $.Values.tls.issuer.name -}}
{{- fail (printf "tls.%s.source is cert-manager, but no issuer is named: set tls.issuer.name (and tls.issuer.kind, now %s)" $use $.Values.tls.issuer.kind) -}}
{{- end -}}
{{- if not ($.Capabilities.APIVersions.Has "cert-manager.io/v1/Certificate") -}}
{{- fail (printf "tls.%s.source is cert-manager, but this cluster has no cert-manager.io/v1 Certificate: install cert-manager, or set another source: existing, generated (where there is no cluster to ask: helm template --api-versions cert-manager.io/v1/Certificate)" $use) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $rest := .Values.tls.rest -}}
{{- if and $rest.names (not (has $rest.source (list "generated" "cert-manager"))) -}}
{{- fail (printf "tls.rest.names are for a certificate that is made here, but tls.rest.source is %s: set generated or cert-manager, or give no names" $rest.source) -}}
{{- end -}}
{{- if and $rest.serverName (eq $rest.source "none") -}}
{{- fail (printf "tls.rest.serverName is %s, but tls.rest.source is none: set a source, or no name" $rest.serverName) -}}
{{- end -}}
{{- if and $rest.publicAuthority (ne $rest.source "existing") -}}
{{- fail (printf "tls.rest.publicAuthority is true, but tls.rest.source is %s: set existing, or publicAuthority=false" $rest.source) -}}
{{- end -}}
{{- if and $rest.publicAuthority (not $rest.serverName) -}}
{{- fail "tls.rest.publicAuthority is true, but tls.rest.serverName is empty: public authorities sign no names inside a cluster; set the name that the certificate bears" -}}
{{- end -}}
{{- if and .Values.encryptFrames (eq .Values.tls.control.source "none") -}}
{{- fail "encryptFrames is true, but tls.control.source is none: the frames' keys would pass in the clear; set tls.control.source to generated, existing or cert-manager" -}}
{{- end -}}
{{- end }}
