# `make` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help build test fast golden cluster check fmt run bench images
help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'
build: ## everything, as a user builds it
	dotnet build -c Release
test: ## all suites
	dotnet test -c Release
fast: ## the suite that takes seconds
	dotnet test -c Release --filter Suite=Fast
golden: ## against the reference's outputs
	dotnet test -c Release --filter Suite=Golden
cluster: ## silos, grains, real processes
	dotnet test -c Release --filter Suite=Cluster
check: ## what CI demands: warnings are errors, formatting, all suites
	dotnet build -c Release -p:Strict=true
	dotnet format --verify-no-changes --no-restore
	dotnet test -c Release --no-build
fmt: ## format the code
	dotnet format
run: ## the main job on the small checkpoint
	dotnet run --project Cli -c Release -- batch examples/shapes.jsonl --out out/shapes
bench: ## the figures of Benchmarks/
	dotnet run --project Benchmarks -c Release
images: ## the container images emu3 and emu3-tiny, with docker, podman or buildah
	k8s/image/build
