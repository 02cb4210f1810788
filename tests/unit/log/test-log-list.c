/* SPDX-License-Identifier: Apache-2.0 */
/* test-log-list.c - which files can be read from afar, and that no path leads to another. */

#include "core/log/log_list.h"

#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

struct fixture {
    char *top, *logs;
};

static void
put(const struct fixture *f, const char *path, const char *text)
{
    g_autofree char *whole = g_build_filename(f->top, path, NULL);
    g_autofree char *folder = g_path_get_dirname(whole);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(whole, text, -1, NULL));
}

static void
set_up(struct fixture *f, const void *data)
{
    g_autofree char *link = NULL;

    (void)data;
    f->top = g_dir_make_tmp("polyether-list-XXXXXX", NULL);
    f->logs = g_build_filename(f->top, "logs", NULL);
    put(f, "secret.log", "secret");
    put(f, "logs/server.log", "hello\n");
    put(f, "logs/server-20261124T235959Z.log.gz", "packed");
    put(f, "logs/notes.txt", "no log");
    put(f, "logs/hub/A/security.log", "of A\n");
    put(f, "logs/hub/AB/security.log", "of AB\n");
    put(f, "logs/hub/A/deep/er/x.log", "too deep");
    link = g_build_filename(f->logs, "link.log", NULL);
    g_assert_cmpint(symlink("../secret.log", link), ==, 0);
}

static void
remove_all(const char *path)
{
    GDir *d = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    const char *name;

    while (d && (name = g_dir_read_name(d)) != NULL) {
        g_autofree char *inside = g_build_filename(path, name, NULL);
        remove_all(inside);
    }
    if (d)
        g_dir_close(d);
    g_assert_cmpint(g_remove(path), ==, 0);
}

static void
tear_down(struct fixture *f, const void *data)
{
    (void)data;
    remove_all(f->top);
    g_free(f->top);
    g_free(f->logs);
}

static void
test_list(struct fixture *f, const void *data)
{
    static const char *const want[] = {"hub/A/security.log", "hub/AB/security.log",
                                       "server-20261124T235959Z.log.gz", "server.log"};
    g_autoptr(GArray) all = log_list(f->logs);
    g_autofree char *missing = g_build_filename(f->top, "missing", NULL);
    g_autoptr(GArray) none = log_list(missing);

    (void)data;
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_cmpuint(all->len, ==, G_N_ELEMENTS(want));
    for (guint i = 0; i < all->len; i++)
        g_assert_cmpstr(g_array_index(all, struct log_entry, i).path, ==, want[i]);
    g_assert_cmpuint(g_array_index(all, struct log_entry, 3).size, ==, 6);
}

static void
test_read(struct fixture *f, const void *data)
{
    (void)data;
    g_autoptr(GByteArray) all = log_list_read(f->logs, "server.log", 0);
    g_assert_nonnull(all);
    g_assert_cmpuint(all->len, ==, 6);
    g_autoptr(GByteArray) rest = log_list_read(f->logs, "server.log", 4);
    g_assert_nonnull(rest);
    g_assert_cmpuint(rest->len, ==, 2);
    g_autoptr(GByteArray) end = log_list_read(f->logs, "server.log", 1000);
    g_assert_nonnull(end);
    g_assert_cmpuint(end->len, ==, 0);
    g_assert_null(log_list_read(f->logs, "server.log", UINT64_MAX));
}

static void
test_paths(struct fixture *f, const void *data)
{
    g_autofree char *absolute = g_build_filename(f->top, "secret.log", NULL);
    const char *const wrong[] = {"../secret.log",
                                 "hub/../../secret.log",
                                 "./server.log",
                                 "/server.log",
                                 "hub//A/security.log",
                                 "hub/A/../A/security.log",
                                 "hub/A/deep/er/x.log",
                                 "link.log",
                                 "notes.txt",
                                 "hub",
                                 "",
                                 ".",
                                 "..",
                                 absolute};

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_null(log_list_read(f->logs, wrong[i], 0));
}

static void
test_hubs(void)
{
    static const struct {
        const char *hub, *folder;
    } cases[] = {
        {"OFFICE", "hub/OFFICE"}, {"a b-c_d.e", "hub/a b-c_d.e"}, {"..", "hub/%2e."},
        {".", "hub/%2e"},         {".hidden", "hub/%2ehidden"},   {"a/b", "hub/a_b"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *folder = log_hub_folder(cases[i].hub);
        g_assert_cmpstr(folder, ==, cases[i].folder);
    }
    g_assert_true(log_is_of_hub("hub/OFFICE/security.log", "office"));
    g_assert_false(log_is_of_hub("hub/OFFICE2/security.log", "office"));
    g_assert_false(log_is_of_hub("hub/OFFICE", "office"));
    g_assert_false(log_is_of_hub("server.log", "server.log"));
    g_assert_false(log_is_of_hub("server.log", ""));
}

#define ADD(name, test) g_test_add("/log-list/" name, struct fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("list", test_list);
    ADD("read", test_read);
    ADD("paths", test_paths);
    g_test_add_func("/log-list/hubs", test_hubs);
    return g_test_run();
}
