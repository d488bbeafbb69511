# The part of the hook that has the refresh program run now, in the background, and again well within the twelve
# hours that a token lives.
with_systemd() {
  if [ ! -d "$root/run/systemd/system" ] || ! command -v systemctl >/dev/null; then return 1; fi
  local units=$root/etc/systemd/system
  write 644 "$units/cloister-pip-refresh.service" <<UNIT || return
[Unit]
Description=Fresh CodeArtifact token for pip
After=network-online.target
[Service]
User=$user
ExecStart=$program
[Install]
WantedBy=multi-user.target
UNIT
  write 644 "$units/cloister-pip-refresh.timer" <<'UNIT' || return
[Unit]
Description=Fresh CodeArtifact token for pip, before the old one expires
[Timer]
OnActiveSec=9h
OnUnitInactiveSec=9h
RandomizedDelaySec=1h
[Install]
WantedBy=timers.target
UNIT
  timeout 10 systemctl daemon-reload &&
    timeout 10 systemctl --no-block start cloister-pip-refresh.service &&
    timeout 10 systemctl --no-block start cloister-pip-refresh.timer &&
    timeout 10 systemctl enable cloister-pip-refresh.service cloister-pip-refresh.timer
}

with_cron() {
  if [ ! -d "$root/etc/cron.d" ] || ! command -v crontab >/dev/null; then return 1; fi
  write 644 "$root/etc/cron.d/cloister-pip-refresh" <<CRON && detached "$program"
MAILTO=""
PATH=$PATH
$((RANDOM % 60)) */8 * * * $user $program
CRON
}

if with_systemd; then say 'pip is kept logged in by a systemd timer'
elif with_cron; then say 'pip is kept logged in by cron'
else
  detached "$program" --loop
  say 'pip is kept logged in by a background loop'
fi
