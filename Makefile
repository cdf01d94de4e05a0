PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test mutants faults docs notebooks format clean

run: $(VENV)/.installed ## Install netlab into .venv and train the first network
	$(BIN)/netlab run --recipe lean --epochs 3 --name first

test: $(VENV)/.installed-dev ## Everything that guards the project
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist loadfile

mutants: $(VENV)/.installed-dev $(VENV)/.installed-mutants ## Break the code and see whether the tests notice: ROOM=labels SAMPLE=40 SEED=0
	$(BIN)/python tests/mutants/run.py $(ROOM) $(if $(SAMPLE),--sample $(SAMPLE)) --seed $(or $(SEED),0)

faults: $(VENV)/.installed-dev ## Damage files, kill and refuse every write: INPUTS=20000 of each kind of file
	NETLAB_FAULTS=$(or $(INPUTS),20000) $(BIN)/pytest -q tests/faults

docs: $(VENV)/.installed-dev ## What the pages say of the code: plugins and the Python API
	$(BIN)/python docs/generate.py

notebooks: $(VENV)/.installed-dev ## Execute the notebooks and keep their outputs
	$(BIN)/python docs/notebooks.py

format:
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("netlab needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-mutants: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[mutants]'
	touch $@

clean:
	rm -rf $(VENV) mutants build dist .mypy_cache .ruff_cache .pytest_cache
