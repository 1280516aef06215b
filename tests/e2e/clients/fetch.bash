# fetch.bash HOST: prints what http://HOST/hello answers, with nothing but the shell.
set -e
exec 3<>"/dev/tcp/$1/80"
printf 'GET /hello HTTP/1.0\r\nHost: %s\r\n\r\n' "$1" >&3
while IFS= read -r line <&3; do
	printf '%s\n' "$line"
done
