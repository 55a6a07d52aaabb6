{{- define "labels" -}}
app: {{ .Release.Name }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* The port that metrics, truth and probes are at: their own where a mesh takes the other one. */}}
{{- define "admin-port" -}}
{{ if eq .Values.expose "istio" }}8081{{ else }}8080{{ end }}
{{- end -}}

{{- define "admin-port-name" -}}
{{ if eq .Values.expose "istio" }}admin{{ else }}http{{ end }}
{{- end -}}

{{/* Seconds that a client's side of a proxy waits: longer than any delay. */}}
{{- define "proxy-seconds" -}}
{{ add (trimSuffix "s" (index .Values.configuration "max-delay") | int) 5 }}
{{- end -}}

{{/* What is reached from outside: everything else is for those inside. */}}
{{- define "public-paths" -}}
exact: [/, /headers, /echo, /version]
prefix: [/delay, /status, /bytes]
{{- end -}}

{{- define "restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "restricted-pod" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}
