/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-sevpn-login.c - what a stranger can post to vpn.cgi, and what a hostile server can answer.
 */

#include "core/proto/sevpn/message.h"
#include "core/proto/sevpn/wire.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

static void
try_answer(const uint8_t *data, size_t size)
{
    g_autoptr(GByteArray) in = g_byte_array_new();
    struct pack *p = NULL;

    g_byte_array_append(in, data, (guint)size);
    if (sevpn_response_take(in, &p) == HTTP_OK)
        pack_free(p);
    g_assert_cmpuint(in->len, <=, size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack *p = pack_parse(reader_of(data, size), &pack_limits_login);
    struct sevpn_login l;
    struct sevpn_welcome w;
    struct sevpn_hello h;

    (void)sevpn_signature_ok(reader_of(data, size));
    try_answer(data, size);
    if (!p)
        return 0;
    if (sevpn_login_parse(p, &l)) {
        g_assert_cmpuint(strlen(l.user), <=, 255);
        g_assert_cmpuint(l.max_connections, <=, SEVPN_CONNECTIONS_MAX);
        g_assert_cmpuint(l.cert.left + l.sign.left, <=, size);
    }
    if (sevpn_hello_parse(p, &h))
        g_assert_cmpuint(strlen(h.product), <=, size);
    if (sevpn_welcome_parse(p, &w)) {
        g_assert_cmpuint(w.timeout_ms, >=, SEVPN_TIMEOUT_MIN_MS);
        g_assert_true(g_utf8_validate(w.message, -1, NULL));
        g_free((char *)(uintptr_t)w.message);
    }
    pack_free(p);
    return 0;
}
