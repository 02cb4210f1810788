/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-otp.c - one-time codes as they come: typed, behind a password, and in OpenVPN's challenges.
 *
 * Input: one byte (which), then text. Laws: what was split or parsed lies within what came; a
 * secret that was read prints to one that reads the same; no code is right twice.
 */

#include "core/auth/totp.h"
#include "core/proto/openvpn/challenge.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void
try_secret(const char *text)
{
    struct totp t, back;

    if (!totp_parse(text, &t))
        return;
    char *printed = totp_print(&t);
    g_assert(totp_parse(printed, &back));
    g_assert(back.secret_len == t.secret_len && memcmp(back.secret, t.secret, t.secret_len) == 0);
    secret_free_str(printed);
}

static void
try_code(const char *text)
{
    struct totp t = {.digits = 6, .secret_len = 20};
    int64_t step = 0;

    if (totp_check(&t, text, 1000000, 0, &step)) {
        g_assert(step >= 1000000 / TOTP_STEP_S - TOTP_WINDOW);
        g_assert(step <= 1000000 / TOTP_STEP_S + TOTP_WINDOW);
        g_assert(!totp_check(&t, text, 1000000, step, &step));
    }
}

static void
try_split(const char *text)
{
    size_t n = 0, len = strlen(text);

    if (totp_split(text, len, 6, &n))
        g_assert(n > 0 && n + 6 == len);
}

static void
try_challenge(const char *text)
{
    struct ovpn_answer a;

    ovpn_answer_parse(text, &a);
    if (a.kind == OVPN_ANSWER_PLAIN)
        g_assert(strcmp(secret_str(a.password), text) == 0 && !a.answer);
    else
        g_assert(a.answer && strlen(secret_str(a.answer)) == a.answer->len);
    g_assert((a.kind == OVPN_ANSWER_DYNAMIC) == (a.id[0] != '\0'));
    ovpn_answer_clear(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(const char *) = {try_secret, try_code, try_split, try_challenge};

    if (size == 0 || size > 4096)
        return 0;
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    tries[data[0] % G_N_ELEMENTS(tries)](text);
    return 0;
}
