/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ipsec-inner.c - what is inside of ESP.
 *
 * Input: the next header (a byte), then the payload. Laws: what is read lies within the input; only
 * protocols of carriers come out; in a tunnel both addresses are known, and a selector of exactly
 * these lets the packet in.
 */

#include "core/proto/ipsec/inner.h"
#include "tests/fuzz/fuzz.h"

static void
check_selectors(const struct ipsec_inner *in)
{
    const struct esp_selector local = {
        .first = in->dst, .last = in->dst, .protocol = in->protocol, .port = in->local_port};
    struct esp_selector remote = {
        .first = in->src, .last = in->src, .protocol = in->protocol, .port = in->remote_port};

    g_assert(ipsec_inner_is_selected(in, &local, &remote));
    remote.first.family = remote.last.family = in->src.family == 4 ? 6 : 4;
    g_assert(!ipsec_inner_is_selected(in, &local, &remote));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ipsec_inner in;

    if (size == 0 || ipsec_inner_read(reader_of(data + 1, size - 1), data[0], &in) != DROP_NONE)
        return 0;
    g_assert((in.src.family != 0) == (data[0] == 4 || data[0] == 41));
    g_assert(in.src.family == in.dst.family);
    if (in.src.family != 0)
        check_selectors(&in);
    if (in.is_fragment)
        return 0;
    g_assert(in.protocol == CARRIER_UDP || in.protocol == CARRIER_ETHERIP ||
             in.protocol == CARRIER_L2TPV3);
    g_assert(in.protocol != CARRIER_UDP || in.local_port == CARRIER_L2TP_PORT);
    g_assert(in.payload.left < size);
    g_assert(in.payload.left == 0 ||
             (in.payload.at > data && in.payload.at + in.payload.left <= data + size));
    return 0;
}
