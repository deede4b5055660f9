# What the hooks share. Each begins with ". ./lib.sh": a hook's working directory is the charm's.
set -eu

# Keep a list of what ran: the hook, the relation and the remote unit.
log_dir=$(config-get log-dir)
log_file=${log_dir:+$log_dir/$(echo "$JUJU_UNIT_NAME" | tr / -).hooks}
echo "$JUJU_HOOK_NAME ${JUJU_RELATION_ID:--} ${JUJU_REMOTE_UNIT:--}" >>"${log_file:-$JUJU_CHARM_DIR/../hooks.log}"

# The leader is the primary, and says so to everyone who uses the database.
publish_primary() {
	[ "$(is-leader)" = True ] || return 0
	for relation in $(relation-ids server); do
		relation-set -r "$relation" --app "primary=$JUJU_UNIT_NAME"
	done
}

report_status() {
	if [ "$(is-leader)" = True ]; then
		status-set active "primary"
	else
		status-set active "replica"
	fi
}
