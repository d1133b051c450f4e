# To be sourced: logs docker in at REPOSITORY's registry as the build's account, in a configuration of the step's own, because steps run at
# the same time. Cloud Build's metadata server says who that is.
DOCKER_CONFIG=$(mktemp -d)
export DOCKER_CONFIG
metadata=http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token
wget -q -O - --header 'Metadata-Flavor: Google' "$metadata" | sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p' |
    docker login --username oauth2accesstoken --password-stdin "https://${REPOSITORY%%/*}"
