/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-l2tp-data.c - packets as they come: headers, AVPs, hidden ones.
 *
 * Laws: what is found lies in the packet (or in the message, if it was hidden); a packet that opens
 * a tunnel can be read; what is hidden comes out again as it was.
 */

#include "core/proto/l2tp/wire.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

static bool
lies_in(struct reader value, const uint8_t *at, size_t len)
{
    return value.at >= at && value.at + value.left <= at + len;
}

static void
check_message(const uint8_t *data, size_t size, struct reader avps, const struct secret *secret)
{
    struct l2tp_message m;

    if (!l2tp_message_parse(avps, secret, &m))
        return;
    for (unsigned i = 0; i < L2TP_N_AVPS; i++) {
        struct reader v = m.value[i];
        g_assert(!v.at || v.left == 0 || lies_in(v, data, size) ||
                 (secret && lies_in(v, m.plain, sizeof(m.plain))));
    }
}

/* The beginning of the input, hidden and opened. */
static void
hide_and_open(const uint8_t *data, size_t size, const struct secret *secret)
{
    uint8_t bytes[L2TP_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    const struct reader rv = reader_of("random", 6);
    struct reader value = reader_of(data, MIN(size, 200));
    struct l2tp_message m;

    l2tp_begin(&w, L2TP_SCCRQ, 0, 0);
    l2tp_put(&w, L2TP_AVP_RANDOM_VECTOR, rv.at, rv.left);
    l2tp_put_hidden(&w, L2TP_AVP_HOST_NAME, value, size % 40, secret, rv);
    g_assert(l2tp_end(&w) && l2tp_is_first(reader_of(bytes, w.len)));
    g_assert(l2tp_message_parse(reader_of(bytes + L2TP_CONTROL_HEADER, w.len - L2TP_CONTROL_HEADER),
                                secret, &m));
    struct reader out = m.value[L2TP_AVP_HOST_NAME];
    g_assert(out.at && out.left == value.left);
    g_assert(out.left == 0 || memcmp(out.at, value.at, out.left) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct secret *secret = secret_text("s3cret");
    struct reader packet = reader_of(data, size);
    struct l2tp_header h;

    if (l2tp_header_parse(packet, &h)) {
        g_assert(h.payload.left == 0 || lies_in(h.payload, data, size));
        g_assert(!h.is_control || h.has_sequence);
        if (h.is_control) {
            check_message(data, size, h.payload, secret);
            check_message(data, size, h.payload, NULL);
        }
    } else {
        g_assert(!l2tp_is_first(packet));
    }
    hide_and_open(data, size, secret);
    secret_free(secret);
    return 0;
}
