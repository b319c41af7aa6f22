# What the translator uses of OpenWrt's /lib/functions.sh and /lib/functions/network.sh, for a file of UCI: such a file is
# made of shell words. Behaves as they do in what is tested, no more.
# shellcheck shell=sh disable=SC2034,SC3043

SECTIONS=

config() { CURRENT=${2:-cfg$((COUNT = COUNT + 1))}; SECTIONS="$SECTIONS $CURRENT"; eval "TYPE_$CURRENT=\$1"; }
option() { eval "VALUE_${CURRENT}_$1=\$2"; }
list() {
  eval "number=\$((\${LENGTH_${CURRENT}_$1:-0} + 1)); LENGTH_${CURRENT}_$1=\$number"
  eval "ITEM_${CURRENT}_$1_$number=\$2; VALUE_${CURRENT}_$1=\"\${VALUE_${CURRENT}_$1:+\$VALUE_${CURRENT}_$1 }\$2\""
}
# shellcheck source=/dev/null
config_load() { . "$1"; }
config_get() { eval "$1=\${VALUE_$2_$3:-\$4}"; }
config_foreach() {
  local each what type_wanted kind
  what=$1 type_wanted=$2
  shift 2
  for each in $SECTIONS; do
    eval "kind=\$TYPE_$each"
    [ "$kind" != "$type_wanted" ] || "$what" "$each" "$@"
  done
}
config_list_foreach() {
  local number length
  eval "length=\${LENGTH_$1_$2:-0}"
  number=0
  while [ $((number = number + 1)) -le "$length" ]; do
    eval "\"$3\" \"\$ITEM_$1_$2_$number\""
  done
}
network_get_device() { case $2 in wan) eval "$1=pppoe-wan" ;; lan) eval "$1=br-lan" ;; *) return 1 ;; esac; }
