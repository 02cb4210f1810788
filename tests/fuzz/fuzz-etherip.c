/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-etherip.c - a payload of a router: its header comes off, and TCP's MSS is looked for.
 *
 * Laws: two bytes come off or the packet is refused; what says it is a SYN is within the frame and
 * is one; an MSS is only lowered, nothing but it and the checksum changes, and once is enough.
 */

#include "core/net/mss.h"
#include "core/net/tcp.h"
#include "core/proto/etherip/wire.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

/* A frame whose buffer ends where the packet ends. */
static struct frame *
exact(const uint8_t *data, size_t size)
{
    struct frame *f = g_malloc0(sizeof(*f) + size);

    f->data = f->buf;
    f->len = f->size = (uint32_t)size;
    atomic_init(&f->refs, 1);
    if (size > 0)
        memcpy(f->data, data, size);
    return f;
}

static void
check_mss(struct frame *f)
{
    static const struct mss want = {.v4 = 1300, .v6 = 1280};
    size_t l3 = 0;
    size_t l4 = mss_find_syn_ethernet(reader_of(f->data, f->len), &l3);
    g_autofree uint8_t *before = g_memdup2(f->data, f->len);

    g_assert(mss_lower(NULL, f, false, &want) == f);
    if (l4 == 0) {
        g_assert(f->len == 0 || memcmp(before, f->data, f->len) == 0);
        return;
    }
    g_assert(l3 >= 14 && l4 >= l3 + 20 && l4 + TCP_HEADER <= f->len);
    g_assert(before[l4 + TCP_AT_FLAGS] & TCP_SYN);
    unsigned changed = 0;
    for (size_t i = 0; i < f->len; i++) {
        g_assert(i >= l4 || before[i] == f->data[i]);
        changed += before[i] != f->data[i];
    }
    g_assert(changed <= 4);
    g_assert(!tcp_clamp_mss(f, l4, f->data[l3] >> 4 == 4 ? want.v4 : want.v6));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame *f = exact(data, size);
    enum drop why = etherip_take_header(f);

    g_assert((why == DROP_SHORT) == (size < ETHERIP_HEADER));
    if (why == DROP_NONE) {
        g_assert(f->len == size - ETHERIP_HEADER && (data[0] & 0x33) != 0);
        check_mss(f);
    }
    g_free(f);
    return 0;
}
