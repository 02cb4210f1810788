/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/fixed_address.h"

#include <glib.h>

static void
same_text(void)
{
    static const char *const texts[] = {
        "", "10.0.0.5/24", "10.0.0.5/24,gateway=10.0.0.1,dns=9.9.9.9",
        "10.0.0.5/24,2001:db8::5/64,gateway=fe80::1,dns=2001:db8::53,dns=10.0.0.1"};

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        struct fixed_address a;
        char out[FIXED_ADDRESS_TEXT];
        g_assert_null(fixed_address_parse(texts[i], &a));
        g_assert_cmpstr(fixed_address_print(&a, out), ==, texts[i]);
    }
}

static void
refused(void)
{
    static const char *const texts[] = {
        "10.0.0.5",
        "10.0.0.5/0",
        "10.0.0.5/24,gateway=10.0.1.1",
        "gateway=10.0.0.1",
        "10.0.0.5/24,gateway=x",
        "10.0.0.5/24,dns=1.1.1.1,dns=1.1.1.2,dns=1.1.1.3,dns=1.1.1.4,dns=1.1.1.5",
        "2001:db8::5/64,gateway=2001:db9::1",
        "hello"};

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        struct fixed_address a = {.n_dns = 77};
        g_assert_nonnull(fixed_address_parse(texts[i], &a));
        g_assert_cmpuint(a.n_dns, ==, 77); /* not touched */
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fixed-address/same-text", same_text);
    g_test_add_func("/fixed-address/refused", refused);
    return g_test_run();
}
