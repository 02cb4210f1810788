/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-radius.c - replies of a RADIUS server: parsed, checked, and taken as an answer, right or
 * not. The attributes lie within the packet, and what comes of them is text where text is meant. */

#include "core/auth/radius/login.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t authenticator[RADIUS_AUTHENTICATOR] = {1};
    static const struct radius_secret secret = {.bytes = "secret", .len = 6};
    struct radius_packet p;

    if (!radius_parse(reader_of(data, size), &p))
        return 0;
    g_assert_cmpuint(p.whole.left, <=, size);
    struct radius_iter it = radius_iter_of(&p);
    struct radius_attribute a;
    size_t total = 0;
    while (radius_next(&it, &a)) {
        g_assert(a.value.left <= RADIUS_VALUE_MAX);
        g_assert(a.value.left == 0 || /* then it is nowhere */
                 (a.value.at >= data && a.value.at + a.value.left <= data + size));
        total += a.value.left;
    }
    g_assert_cmpuint(total, <=, p.attributes.left);
    g_assert(radius_check_reply(&p, &secret, authenticator, true) != RADIUS_BARE ||
             radius_check_reply(&p, &secret, authenticator, false) == RADIUS_FINE);
    (void)radius_check_request(&p, &secret, true);

    const struct radius_reply reply = {
        .packet = &p, .secret = &secret, .authenticator = authenticator};
    for (unsigned mschap = 0; mschap < 2; mschap++) {
        const struct radius_login login = {.is_mschap = mschap};
        struct auth_answer answer;
        radius_login_answer(&login, &reply, &answer);
        g_assert(g_utf8_validate(answer.message, -1, NULL));
        g_assert(g_utf8_validate(answer.group, -1, NULL));
        g_assert(answer.vlan <= 4094 && answer.address.ip4.len <= 32);
        g_assert(!mschap || answer.says != AUTH_SAYS_YES || answer.mschap.has_answer);
        auth_answer_clear(&answer);
    }
    return 0;
}
