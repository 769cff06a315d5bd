FROM mambaorg/micromamba:1.5.8
COPY --chown=$MAMBA_USER:$MAMBA_USER environment.yaml /tmp/environment.yaml
RUN micromamba install -y -n base -f /tmp/environment.yaml && micromamba clean --all --yes
COPY --chown=$MAMBA_USER:$MAMBA_USER notebooks /home/mambauser/notebooks
USER $MAMBA_USER
CMD ["jupyter", "lab", "--ip=0.0.0.0"]
