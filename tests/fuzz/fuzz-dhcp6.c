/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-dhcp6.c - DHCPv6 messages to the parser.
 *
 * Laws: options never reach out of the message, and what was parsed and written again option by
 * option is the same message.
 */

#include "core/net/dhcp6.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

static void
check_ia(struct reader value)
{
    struct dhcp6_ia ia;
    struct dhcp6_address a;
    uint16_t code = 0;
    struct reader v;

    if (dhcp6_parse_ia(value, &ia) != DROP_NONE)
        return;
    g_assert(ia.options.left + 12 == value.left);
    while (dhcp6_next_option(&ia.options, &code, &v)) {
        if (code == DHCP6_OPT_IA_ADDR && dhcp6_parse_address(v, &a) == DROP_NONE)
            g_assert(a.options.left + 24 == v.left);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dhcp6_message m;
    uint16_t code = 0;
    struct reader value;

    if (size > 4096 || dhcp6_parse(reader_of(data, size), &m) != DROP_NONE)
        return 0;
    g_autofree uint8_t *again = g_malloc(size);
    struct writer w = writer_of(again, size);
    dhcp6_write_header(&w, m.type, m.transaction);
    struct reader options = m.options;
    while (dhcp6_next_option(&options, &code, &value)) {
        struct reader first;
        g_assert(value.left == 0 || (value.at >= data && value.at + value.left <= data + size));
        g_assert(dhcp6_find_option(m.options, code, &first));
        if (code == DHCP6_OPT_IA_NA || code == DHCP6_OPT_IA_PD)
            check_ia(value);
        dhcp6_write_option(&w, code, value.at, value.left);
    }
    g_assert(reader_ok(&options) && writer_ok(&w) && w.len == size);
    g_assert(memcmp(again, data, size) == 0);
    return 0;
}
