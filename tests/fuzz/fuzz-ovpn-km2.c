/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ovpn-km2.c - key method 2 as a client, or a server, sends it.
 *
 * Input: one byte (odd: a client's), then what TLS gave. Laws: no more is used than was there; what
 * was not understood left the result alone; what was understood, written and read again is the
 * same.
 */

#include "core/proto/openvpn/wire.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

static void
check_same(const struct ovpn_km2 *a, const struct ovpn_km2 *b)
{
    g_assert(memcmp(a->pre_master, b->pre_master, sizeof(a->pre_master)) == 0);
    g_assert(memcmp(a->random1, b->random1, sizeof(a->random1)) == 0);
    g_assert(memcmp(a->random2, b->random2, sizeof(a->random2)) == 0);
    g_assert(strcmp(a->options, b->options) == 0 && strcmp(a->user, b->user) == 0);
    g_assert(strcmp(a->password, b->password) == 0 && strcmp(a->peer_info, b->peer_info) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    bool from_client = data[0] & 1;
    struct ovpn_km2 m = {.user = "untouched"};
    struct ovpn_km2 again = {0};
    uint8_t bytes[8192];
    struct writer w = writer_of(bytes, sizeof(bytes));
    size_t used = SIZE_MAX;

    if (ovpn_km2_parse(reader_of(data + 1, size - 1), from_client, &m, &used) != DROP_NONE) {
        g_assert(used == SIZE_MAX && strcmp(m.user, "untouched") == 0);
        return 0;
    }
    g_assert(used <= size - 1 && m.from_client == from_client);
    g_assert(strlen(m.user) <= OVPN_NAME_MAX && strlen(m.password) <= OVPN_NAME_MAX);
    ovpn_km2_write(&w, &m);
    g_assert(writer_ok(&w));
    g_assert(ovpn_km2_parse(reader_of(bytes, w.len), from_client, &again, &used) == DROP_NONE);
    g_assert(used == w.len);
    check_same(&m, &again);
    return 0;
}
