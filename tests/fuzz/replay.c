/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - runs a fuzz target over files and folders, once each: the corpus as an ordinary test.
 */

#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <stdio.h>

static unsigned
run_path(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    if (dir) {
        unsigned ran = 0;
        const char *name;
        while ((name = g_dir_read_name(dir))) {
            g_autofree char *child = g_build_filename(path, name, NULL);
            ran += run_path(child);
        }
        return ran;
    }
    g_autofree char *bytes = NULL;
    gsize len = 0;
    if (!g_file_get_contents(path, &bytes, &len, NULL))
        return 0;
    g_autofree uint8_t *exact = g_memdup2(bytes, len); /* no terminating NUL: ASan guards the end */
    (void)LLVMFuzzerTestOneInput(len > 0 ? exact : (const uint8_t *)"", len);
    return 1;
}

int
main(int argc, char **argv)
{
    unsigned ran = 0;
    for (int i = 1; i < argc; i++)
        ran += run_path(argv[i]);
    (void)printf("%u inputs\n", ran);
    return ran > 0 ? 0 : 1; /* a target without a corpus is a mistake */
}
