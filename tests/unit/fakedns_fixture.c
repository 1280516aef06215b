#include "fakedns_fixture.h"

#include <stdio.h>
#include <string.h>

static _Atomic long own_clock_s = 1000000;
_Atomic long *fix_clock_s = &own_clock_s;

static int clock_gettime_(clockid_t clock, struct timespec *ts)
{
	*ts = (struct timespec){
		.tv_sec = clock == CLOCK_BOOTTIME ? *fix_clock_s : -1};
	return 0;
}

const struct sx_sys fix_sys = {.clock_gettime = clock_gettime_};

static char *buffer(void)
{
	static __thread char buffers[8][64];
	static __thread unsigned turn;

	return buffers[turn++ % 8];
}

const char *fix_name(unsigned number)
{
	char *name = buffer();

	snprintf(name, 64, "n%u.example", number);
	return name;
}

const char *fix_text(const struct sx_ip *ip)
{
	return sx_ip_format(ip, buffer(), 64);
}

struct sx_ip fix_nth(unsigned number)
{
	unsigned net = number / 254;
	struct sx_ip ip = {.family = AF_INET,
		.bytes = {198, (uint8_t)(18 + net / 256), (uint8_t)net,
			(uint8_t)(number % 254 + 1)}};

	return ip;
}

bool fix_is_known(struct sx_fakedns *table, const char *name)
{
	static const sa_family_t families[] = {AF_INET, AF_INET6};
	char back[SX_NAME_MAX + 1];
	struct sx_ip ip;

	for (int i = 0; i < 2; i++)
		if (sx_fakedns_get(table, name, families[i], &ip) ||
			ip.family != families[i] ||
			!sx_fakedns_name(table, &ip, back) ||
			strcmp(back, name) != 0)
			return false;
	return true;
}

bool fix_is_own(struct sx_fakedns *table, unsigned number)
{
	char name[SX_NAME_MAX + 1];
	struct sx_ip ip = fix_nth(number);

	return !sx_fakedns_name(table, &ip, name) || fix_is_known(table, name);
}
