/*
 * Who may ask a nameserver's responder.
 */
#include "base/clock.h"
#include "hook/askers.h"
#include "unit.h"

#include <string.h>

#define SECOND (1000 * SX_NS_PER_MS)

static struct sx_askers t;
static struct sx_asker one, other;

static void setup(void)
{
	memset(&t, 0, sizeof(t));
	one = (struct sx_asker){.port = 1000};
	sx_ip_parse("127.0.0.1", &one.ip);
	other = one;
	other.port = 1001;
}

START_TEST(a_ticket_is_for_one_question)
{
	ck_assert_int_eq(sx_askers_take(&t, &one, 0), SX_ASK_NO);
	ck_assert(sx_askers_let(&t, &one, 0, 0));
	ck_assert(sx_askers_let(&t, &one, 0, 0));
	ck_assert_int_eq(sx_askers_take(&t, &other, 0), SX_ASK_NO);
	ck_assert_int_eq(sx_askers_take(&t, &one, 0), SX_ASK_YES);
	ck_assert_int_eq(sx_askers_take(&t, &one, 0), SX_ASK_YES);
	ck_assert_int_eq(sx_askers_take(&t, &one, 0), SX_ASK_NO);
	ck_assert_uint_eq(t.n, 0);
}
END_TEST

START_TEST(another_address_or_protocol_is_another_asker)
{
	struct sx_asker strange = one;

	ck_assert(sx_askers_let(&t, &one, 0, 0));
	strange.is_tcp = true;
	ck_assert_int_eq(sx_askers_take(&t, &strange, 0), SX_ASK_NO);
	strange = one;
	sx_ip_parse("127.0.0.2", &strange.ip);
	ck_assert_int_eq(sx_askers_take(&t, &strange, 0), SX_ASK_NO);
	ck_assert_int_eq(sx_askers_take(&t, &one, 0), SX_ASK_YES);
}
END_TEST

START_TEST(a_ticket_does_not_last)
{
	ck_assert(sx_askers_let(&t, &one, 0, SECOND));
	sx_askers_expire(&t, 2 * SECOND);
	ck_assert_uint_eq(t.n, 1);
	sx_askers_expire(&t, 60 * SECOND);
	ck_assert_uint_eq(t.n, 0);
}
END_TEST

START_TEST(a_connected_socket_may_ask_while_it_is_there)
{
	uint64_t inodes[SX_ASKERS_MAX];
	bool found[1] = {true};

	ck_assert(sx_askers_let(&t, &one, 77, 0));
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(sx_askers_take(&t, &one, 0), SX_ASK_YES);
	ck_assert_int_eq(sx_askers_take(&t, &one, 9 * SECOND), SX_ASK_CHECK);
	ck_assert_uint_eq(sx_askers_inodes(&t, inodes), 1);
	ck_assert_uint_eq(inodes[0], 77);
	sx_askers_found(&t, inodes, found, 1, 9 * SECOND);
	ck_assert_int_eq(sx_askers_take(&t, &one, 9 * SECOND), SX_ASK_YES);
	sx_askers_expire(&t, 99 * SECOND);
	found[0] = false;
	for (int i = 0; i < 2; i++) {
		sx_askers_found(&t, inodes, found, 1, 99 * SECOND);
		ck_assert_int_eq(
			sx_askers_take(&t, &one, 99 * SECOND), SX_ASK_CHECK);
	}
	sx_askers_found(&t, inodes, found, 1, 99 * SECOND);
	ck_assert_int_eq(sx_askers_take(&t, &one, 99 * SECOND), SX_ASK_NO);
}
END_TEST

START_TEST(the_next_socket_at_a_port_keeps_its_ticket)
{
	const uint64_t inode = 77;
	const bool found = false;

	ck_assert(sx_askers_let(&t, &one, inode, 0)); /* and was closed */
	ck_assert(sx_askers_let(&t, &one, 0, SECOND));
	for (int i = 0; i < SX_ASKERS_MISSED_MAX; i++)
		sx_askers_found(&t, &inode, &found, 1, SECOND);
	ck_assert_int_eq(sx_askers_take(&t, &one, SECOND), SX_ASK_YES);
	ck_assert_int_eq(sx_askers_take(&t, &one, SECOND), SX_ASK_NO);
	ck_assert_uint_eq(t.n, 0);
}
END_TEST

START_TEST(a_full_table_takes_nobody_until_tickets_run_out)
{
	struct sx_asker who = one;

	for (unsigned i = 0; i < SX_ASKERS_MAX; i++, who.port++)
		ck_assert(sx_askers_let(&t, &who, i % 2 ? i : 0, 0));
	ck_assert(!sx_askers_let(&t, &who, 0, SECOND));
	ck_assert(sx_askers_let(&t, &who, 0, 60 * SECOND));
	ck_assert_uint_eq(t.n, SX_ASKERS_MAX / 2 + 1);
}
END_TEST

START_TEST(the_kernels_list_is_read)
{
	char lines[] =
		"   sl  local_address rem_address   st tx_queue rx_queue tr "
		"tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
		"  345: 0100007F:D5B5 0100007F:9C40 01 00000000:00000000 "
		"00:00000000 00000000  1000        0 7777 2 0 0\n"
		"12345: 00000000:0044 00000000:0000 07 00000000:00000000 "
		"00:00000000 00000000     0        0 88 2 0 0";
	const uint64_t inodes[] = {88, 777, 7777, 0};
	bool found[4] = {false};

	sx_askers_read(lines, inodes, found, 4);
	ck_assert(found[0] && !found[1] && found[2] && !found[3]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("askers");
	TCase *c = tcase_create("askers");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, a_ticket_is_for_one_question);
	tcase_add_test(c, another_address_or_protocol_is_another_asker);
	tcase_add_test(c, a_ticket_does_not_last);
	tcase_add_test(c, a_connected_socket_may_ask_while_it_is_there);
	tcase_add_test(c, the_next_socket_at_a_port_keeps_its_ticket);
	tcase_add_test(c, a_full_table_takes_nobody_until_tickets_run_out);
	tcase_add_test(c, the_kernels_list_is_read);
	suite_add_tcase(s, c);
	return sx_unit_main(s);
}
