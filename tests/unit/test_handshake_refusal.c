/*
 * SOCKS5 handshakes that fail: a test for each row of the errno table, and
 * for the end of the connection in each phase.
 */
#include "transcript.h"
#include "unit.h"

#include "proto/refusal.h"

#include <errno.h>
#include <string.h>

static void refused(const struct sx_dest *dest, struct bytes request,
	struct bytes answer, int error)
{
	play(&(struct transcript){.dest = dest,
		.turns = {GREETED, {request, answer}},
		.error = error,
		.by_destination = true,
		.code = answer.at[1],
		.told = 2,
		.phase = SX_PHASE_REQUEST});
}

/* A reply code in all the forms that servers give it: 10 bytes, with a name,
 * with Tor's address type 0, cut off behind 4, 3 and 2 bytes. */
static void refused_to(const struct sx_dest *dest, struct bytes request,
	uint8_t code, int error)
{
	const struct bytes forms[] = {
		BYTES(5, code, 0, 1, 0, 0, 0, 0, 0, 0),
		BYTES(5, code, 0, 3, 1, 'a', 0, 80),
		BYTES(5, code, 0, 0, 0, 0, 0, 0, 0, 0),
		BYTES(5, code, 0, 1),
		BYTES(5, code, 0),
		BYTES(5, code),
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		refused(dest, request, forms[i], error);
}

static void reply(uint8_t code, int error)
{
	refused_to(&to_name, (struct bytes)REQUEST_NAME, code, error);
}

/* The ends in all forms, what is between them in the shortest. */
static void replies(uint8_t lo, uint8_t hi, int error)
{
	reply(lo, error);
	reply(hi, error);
	for (unsigned code = lo + 1U; code < hi; code++) {
		refused(&to_name, (struct bytes)REQUEST_NAME,
			(struct bytes)BYTES(5, (uint8_t)code), error);
	}
}

START_TEST(reply_01_general_failure_is_econnrefused)
{
	reply(0x01, ECONNREFUSED);
}
END_TEST

START_TEST(reply_02_not_allowed_is_eacces)
{
	reply(0x02, EACCES);
}
END_TEST

START_TEST(reply_03_network_unreachable_is_enetunreach)
{
	reply(0x03, ENETUNREACH);
}
END_TEST

START_TEST(reply_04_host_unreachable_is_ehostunreach)
{
	reply(0x04, EHOSTUNREACH);
}
END_TEST

START_TEST(reply_05_refused_is_econnrefused)
{
	reply(0x05, ECONNREFUSED);
}
END_TEST

START_TEST(reply_06_ttl_expired_is_etimedout)
{
	reply(0x06, ETIMEDOUT);
}
END_TEST

START_TEST(reply_07_command_is_econnrefused)
{
	reply(0x07, ECONNREFUSED);
}
END_TEST

START_TEST(reply_08_address_type_is_enetunreach_for_ipv6)
{
	refused_to(&to_ipv6, (struct bytes)REQUEST_IPV6, 0x08, ENETUNREACH);
}
END_TEST

START_TEST(reply_08_address_type_is_ehostunreach_for_a_name)
{
	reply(0x08, EHOSTUNREACH);
}
END_TEST

START_TEST(reply_08_address_type_is_ehostunreach_for_ipv4)
{
	refused_to(&to_ipv4, (struct bytes)REQUEST_IPV4, 0x08, EHOSTUNREACH);
}
END_TEST

START_TEST(replies_09_to_ef_are_econnrefused)
{
	replies(0x09, 0xef, ECONNREFUSED);
}
END_TEST

START_TEST(reply_f0_no_onion_descriptor_is_ehostunreach)
{
	reply(0xf0, EHOSTUNREACH);
}
END_TEST

START_TEST(reply_f1_invalid_onion_descriptor_is_ehostunreach)
{
	reply(0xf1, EHOSTUNREACH);
}
END_TEST

START_TEST(reply_f2_onion_introduction_failed_is_econnrefused)
{
	reply(0xf2, ECONNREFUSED);
}
END_TEST

START_TEST(reply_f3_onion_rendezvous_failed_is_etimedout)
{
	reply(0xf3, ETIMEDOUT);
}
END_TEST

START_TEST(reply_f4_onion_authorization_missing_is_eacces)
{
	reply(0xf4, EACCES);
}
END_TEST

START_TEST(reply_f5_onion_authorization_wrong_is_eacces)
{
	reply(0xf5, EACCES);
}
END_TEST

START_TEST(reply_f6_bad_onion_address_is_ehostunreach)
{
	reply(0xf6, EHOSTUNREACH);
}
END_TEST

START_TEST(reply_f7_onion_introduction_timed_out_is_etimedout)
{
	reply(0xf7, ETIMEDOUT);
}
END_TEST

START_TEST(replies_f8_to_ff_are_econnrefused)
{
	replies(0xf8, 0xff, ECONNREFUSED);
}
END_TEST

static TCase *reply_codes(void)
{
	TCase *c = tcase_create("reply codes");

	tcase_add_test(c, reply_01_general_failure_is_econnrefused);
	tcase_add_test(c, reply_02_not_allowed_is_eacces);
	tcase_add_test(c, reply_03_network_unreachable_is_enetunreach);
	tcase_add_test(c, reply_04_host_unreachable_is_ehostunreach);
	tcase_add_test(c, reply_05_refused_is_econnrefused);
	tcase_add_test(c, reply_06_ttl_expired_is_etimedout);
	tcase_add_test(c, reply_07_command_is_econnrefused);
	tcase_add_test(c, reply_08_address_type_is_enetunreach_for_ipv6);
	tcase_add_test(c, reply_08_address_type_is_ehostunreach_for_a_name);
	tcase_add_test(c, reply_08_address_type_is_ehostunreach_for_ipv4);
	tcase_add_test(c, replies_09_to_ef_are_econnrefused);
	tcase_add_test(c, reply_f0_no_onion_descriptor_is_ehostunreach);
	tcase_add_test(c, reply_f1_invalid_onion_descriptor_is_ehostunreach);
	tcase_add_test(c, reply_f2_onion_introduction_failed_is_econnrefused);
	tcase_add_test(c, reply_f3_onion_rendezvous_failed_is_etimedout);
	tcase_add_test(c, reply_f4_onion_authorization_missing_is_eacces);
	tcase_add_test(c, reply_f5_onion_authorization_wrong_is_eacces);
	tcase_add_test(c, reply_f6_bad_onion_address_is_ehostunreach);
	tcase_add_test(c, reply_f7_onion_introduction_timed_out_is_etimedout);
	tcase_add_test(c, replies_f8_to_ff_are_econnrefused);
	return c;
}

/* What answers the greeting; told: the byte that decides. */
static void method(const struct sx_credentials *credentials,
	struct bytes answer, size_t told, int error)
{
	bool offered = credentials->user != NULL;
	struct bytes plain = BYTES(5, 1, 0), both = BYTES(5, 2, 0, 2);

	play(&(struct transcript){.credentials = *credentials,
		.turns = {{offered ? both : plain, answer}},
		.error = error,
		.code = answer.at[told - 1],
		.told = told,
		.phase = SX_PHASE_GREETING});
}

static const struct sx_credentials nobody, alice = ALICE;

START_TEST(ats_35_method_ff_is_eacces)
{
	method(&nobody, (struct bytes)BYTES(5, 0xff), 2, EACCES);
	method(&alice, (struct bytes)BYTES(5, 0xff), 2, EACCES);
}
END_TEST

START_TEST(ats_35_method_01_gssapi_is_eacces)
{
	method(&nobody, (struct bytes)BYTES(5, 1), 2, EACCES);
	method(&alice, (struct bytes)BYTES(5, 1), 2, EACCES);
}
END_TEST

START_TEST(ats_35_method_02_that_was_not_offered_is_eacces)
{
	method(&nobody, (struct bytes)BYTES(5, 2), 2, EACCES);
}
END_TEST

START_TEST(ats_35_methods_03_to_fe_are_eacces)
{
	for (unsigned m = 3; m < 0xff; m++) {
		method(&alice, (struct bytes)BYTES(5, (uint8_t)m), 2, EACCES);
	}
}
END_TEST

START_TEST(a_method_of_another_version_is_eproto)
{
	for (unsigned v = 0; v <= 0xff; v++) {
		if (v == 5)
			continue;
		method(&nobody, (struct bytes)BYTES((uint8_t)v, 0), 1, EPROTO);
	}
	method(&alice, (struct bytes)BYTES(4, 2), 1, EPROTO);
}
END_TEST

static void status(struct bytes answer, uint8_t code)
{
	play(&(struct transcript){.credentials = ALICE,
		.turns = {OFFERED, {ALICE_SENT, answer}},
		.error = EACCES,
		.code = code,
		.phase = SX_PHASE_CREDENTIALS});
}

START_TEST(ats_35_a_credentials_status_other_than_0_is_eacces)
{
	for (unsigned code = 1; code <= 0xff; code++)
		status((struct bytes)BYTES(1, (uint8_t)code), (uint8_t)code);
}
END_TEST

START_TEST(a_credentials_status_is_eacces_whatever_the_version)
{
	status((struct bytes)BYTES(5, 0xff), 0xff);
	status((struct bytes)BYTES(0, 1), 1);
}
END_TEST

/* A reply that is nonsense; its last byte decides. */
static void malformed(struct bytes answer)
{
	play(&(struct transcript){.turns = {GREETED, {REQUEST_NAME, answer}},
		.error = EPROTO,
		.code = answer.at[answer.n - 1],
		.phase = SX_PHASE_REQUEST});
}

START_TEST(ats_44_a_reply_of_another_version_is_eproto)
{
	for (unsigned v = 0; v <= 0xff; v++) {
		if (v != 5)
			malformed((struct bytes)BYTES((uint8_t)v));
	}
}
END_TEST

START_TEST(ats_43_success_with_address_type_0_is_eproto_at_once)
{
	malformed((struct bytes)BYTES(5, 0, 0, 0));
}
END_TEST

START_TEST(ats_43_success_with_an_unknown_address_type_is_eproto_at_once)
{
	for (unsigned atyp = 0; atyp <= 0xff; atyp++) {
		if (atyp != 1 && atyp != 3 && atyp != 4)
			malformed((struct bytes)BYTES(5, 0, 0, (uint8_t)atyp));
	}
}
END_TEST

START_TEST(another_protocol_is_named)
{
	ck_assert_ptr_nonnull(strstr(
		sx_refusal_of(SX_CAUSE_VERSION, 'H', &to_name).text, "HTTP"));
	ck_assert_ptr_nonnull(strstr(
		sx_refusal_of(SX_CAUSE_VERSION, 0, &to_name).text, "SOCKS4"));
	ck_assert_ptr_nonnull(strstr(
		sx_refusal_of(SX_CAUSE_VERSION, 5, &to_name).text, "SOCKS5"));
}
END_TEST

START_TEST(every_cause_has_an_error_and_a_text_for_every_code)
{
	const struct sx_refusal unknown =
		sx_refusal_of(SX_N_CAUSES, 0, &to_name);

	ck_assert_int_eq(unknown.error, EPROTO);
	for (int cause = 0; cause < SX_N_CAUSES; cause++) {
		for (unsigned code = 0; code <= 0xff; code++) {
			struct sx_refusal r = sx_refusal_of(
				(enum sx_cause)cause, (uint8_t)code, &to_name);
			ck_assert_int_gt(r.error, 0);
			ck_assert_uint_eq(r.code, code);
			ck_assert_str_ne(r.text, unknown.text);
		}
	}
}
END_TEST

static TCase *answers(void)
{
	TCase *c = tcase_create("answers");

	tcase_add_test(c, ats_35_method_ff_is_eacces);
	tcase_add_test(c, ats_35_method_01_gssapi_is_eacces);
	tcase_add_test(c, ats_35_method_02_that_was_not_offered_is_eacces);
	tcase_add_test(c, ats_35_methods_03_to_fe_are_eacces);
	tcase_add_test(c, a_method_of_another_version_is_eproto);
	tcase_add_test(c, ats_35_a_credentials_status_other_than_0_is_eacces);
	tcase_add_test(c, a_credentials_status_is_eacces_whatever_the_version);
	tcase_add_test(c, ats_44_a_reply_of_another_version_is_eproto);
	tcase_add_test(c, ats_43_success_with_address_type_0_is_eproto_at_once);
	tcase_add_test(c,
		ats_43_success_with_an_unknown_address_type_is_eproto_at_once);
	tcase_add_test(c, another_protocol_is_named);
	tcase_add_test(c, every_cause_has_an_error_and_a_text_for_every_code);
	return c;
}

int main(void)
{
	Suite *suite = suite_create("handshake refusals");

	suite_add_tcase(suite, reply_codes());
	suite_add_tcase(suite, answers());
	return sx_unit_main(suite);
}
